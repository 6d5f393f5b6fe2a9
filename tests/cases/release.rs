//! Releases that somebody disturbs: signals, and files that are exchanged meanwhile.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use super::chain::Chain;
use crate::support::{Folder, finish, pid_of, wait_for};

/// A chain whose last step made these files, all with the content `one`.
fn chain(folder: &Folder, names: &[String]) -> Vec<String> {
    chain_with(folder, names, "")
}

/// The same, with more changes to it.
fn chain_with(folder: &Folder, names: &[String], more: &str) -> Vec<String> {
    let products: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!({"sha256": "$ONE"})))
        .collect();
    let products = Value::Object(products).to_string();
    let chain = Chain::of(&format!(
        "set root.layout /steps/1/expected_products [[\"ALLOW\", \"*\"]]\n\
         set $LINK_B /products {products}\n\
         args --product-dir out\n\
         args --copy-to released\n{more}"
    ));
    chain.write(folder);
    for name in names {
        folder.write(&format!("out/{name}"), "one");
    }
    chain.arguments()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn leftovers(folder: &Folder) -> Vec<String> {
    let mut names = folder.names();
    names.retain(|name| name.starts_with(".linkwright"));
    names
}

#[test]
fn what_is_released_can_be_run_if_it_could_before() {
    let folder = Folder::new();
    let arguments = chain(&folder, &["tool".to_owned(), "d/text".to_owned()]);
    let mode = fs::Permissions::from_mode(0o4755);
    fs::set_permissions(folder.at("out/tool"), mode).unwrap();
    assert_eq!(folder.linkwright(&words(&arguments)).status, Some(0));
    let mode = |name: &str| folder.at(name).metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("released/tool") & 0o4111, mode("out/tool") & 0o0111);
    assert_eq!(mode("released/d/text") & 0o111, 0);
    assert_eq!(folder.read("released/d/text"), b"one");
    assert!(leftovers(&folder).is_empty());
    let again = folder.linkwright(&words(&arguments));
    assert_eq!(again.status, Some(3), "the place is taken: {again:?}");
    assert!(again.err.contains("`released` exists already"), "{again:?}");
}

#[test]
fn a_signal_leaves_nothing_behind() {
    let names: Vec<String> = (0..20_000).map(|number| number.to_string()).collect();
    let folder = Folder::new();
    let arguments = chain(&folder, &names);
    // So that it ends without a release, should it be done before the signal comes.
    folder.write("out/0", "another");
    let mut child = folder.command(&words(&arguments)).spawn().unwrap();
    let ended = wait_for("copies", || {
        let ended = child.try_wait().unwrap();
        (ended.is_some() || !leftovers(&folder).is_empty()).then_some(ended)
    });
    if ended.is_none() {
        // It may be done by now.
        kill_process(pid_of(&child), Signal::TERM).unwrap_or_default();
    }
    let status = child.wait().unwrap();
    let by_signal = status.signal() == Some(Signal::TERM.as_raw());
    assert!(by_signal || status.code() == Some(1), "{status:?}");
    assert_eq!(leftovers(&folder), Vec::<String>::new());
    assert!(!folder.has("released"));
}

/// Two folders are made in this, that of the product and that of the inspections, and each has to go.
#[test]
fn a_signal_at_any_moment_leaves_nothing_behind() {
    let names: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let inspection = |name: &str| {
        let inspection = json!({
            "_type": "inspection", "name": name, "run": ["sleep", "0.05"],
            "expected_materials": [["ALLOW", "*"]], "expected_products": [["ALLOW", "*"]],
        });
        format!("set root.layout /inspect/- {inspection}\n")
    };
    let more = ["one", "two", "three"].map(inspection).concat();
    let folder = Folder::new();
    let undisturbed = folder.linkwright(&words(&chain_with(&folder, &names, &more)));
    assert_eq!(undisturbed.status, Some(0), "{undisturbed:?}");
    let mut by_signal = 0;
    for moment in 0..30 {
        let folder = Folder::new();
        let arguments = chain_with(&folder, &names, &more);
        folder.write("tmp/README", "");
        let mut command = folder.command(&words(&arguments));
        command.env("TMPDIR", folder.at("tmp"));
        let mut child = command.spawn().unwrap();
        thread::sleep(Duration::from_millis(moment * 15));
        // It may be done by now.
        kill_process(pid_of(&child), Signal::TERM).unwrap_or_default();
        let status = child.wait().unwrap();
        let is_ended = status.signal() == Some(Signal::TERM.as_raw());
        assert!(is_ended || status.code() == Some(0), "{moment}: {status:?}");
        by_signal += usize::from(is_ended);
        assert_eq!(leftovers(&folder), Vec::<String>::new(), "{moment}");
        let left = fs::read_dir(folder.at("tmp")).unwrap().count();
        assert_eq!(left, 1, "{moment}: more than README is left");
    }
    assert!(by_signal > 0);
}

#[test]
fn what_is_exchanged_meanwhile_is_never_released() {
    let names: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let folder = Folder::new();
    let arguments = chain(&folder, &names);
    folder.write("secret/25", "secret");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let place = folder.at("out/25");
            while !over.load(Ordering::Relaxed) {
                for turn in 0..3 {
                    let next = folder.at("next");
                    match turn {
                        0 => symlink(folder.at("secret/25"), &next).unwrap(),
                        1 => fs::write(&next, "evil").unwrap(),
                        _ => fs::write(&next, "one").unwrap(),
                    }
                    fs::rename(next, &place).unwrap();
                }
            }
        });
        for _ in 0..10 {
            let ended = finish(folder.command(&words(&arguments)).spawn().unwrap());
            let said = String::from_utf8_lossy(&ended.out).into_owned();
            if ended.status == Some(0) {
                let released = folder.at("released/25");
                assert!(released.symlink_metadata().unwrap().is_file(), "{said}");
                assert_eq!(fs::read(released).unwrap(), b"one", "{said}");
                fs::remove_dir_all(folder.at("released")).unwrap();
            }
            assert!(!folder.has("released"), "{said}");
            assert!(leftovers(&folder).is_empty(), "{said}");
        }
        over.store(true, Ordering::Relaxed);
    });
}
