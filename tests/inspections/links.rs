//! Symbolic links that lead out of the folder of an inspection: what is behind them is neither the
//! command's to read nor the product's, whoever laid them.

use super::*;

const OUT: &str = "out of the inspection's folder";

#[test]
fn a_link_that_the_command_leaves_does_not_stand_for_what_it_leads_to() {
    for user in users() {
        let mut trial = Trial::of(user);
        trial.elsewhere.write("foo.py", "good");
        trial.elsewhere.write("folder/file", "good");
        trial.products = json!([["REQUIRE", "foo.py"]]);
        for target in ["foo.py", "folder"] {
            let made = trial.elsewhere(target);
            trial.run(&["ln", "-s", &made, "foo.py"]).fails_saying(OUT);
        }
        for script in ["ln -s / foo.py", "ln -s .. up; ln -s up/home foo.py"] {
            trial.script(script).fails_saying(OUT);
        }
        // Unpacked, as an attacker would.
        let packed = Folder::new();
        symlink(trial.elsewhere.at("foo.py"), packed.at("foo.py")).unwrap();
        let packing = Command::new("tar")
            .args(["czf", "foo.tar.gz", "foo.py"])
            .current_dir(packed.path())
            .status();
        assert!(packing.unwrap().success());
        trial.folder.write("foo.tar.gz", packed.read("foo.tar.gz"));
        trial.run(&["tar", "xzf", "foo.tar.gz"]).fails_saying(OUT);
        // Inside, links are what they lead to.
        trial
            .script("mkdir d; echo x > d/f; ln -s d/f foo.py")
            .passes();
        trial
            .script("mkdir d; echo x > d/f; ln -s $PWD/d/f foo.py")
            .passes();
    }
}

#[test]
fn a_link_out_of_the_current_folder_gives_the_command_nothing_to_read() {
    for user in users() {
        for target in ["secret", "folder"] {
            let trial = Trial::of(user);
            trial.elsewhere.write("secret", "for-the-verifier");
            trial.elsewhere.write("folder/secret", "for-the-verifier");
            symlink(trial.elsewhere.at(target), trial.folder.at("x")).unwrap();
            let answer = trial.script("grep -r for-the .; cat x x/*; true");
            answer.fails_saying("out of the folder");
            assert_eq!(answer.message("inspection-ran"), None, "{answer:?}");
            assert!(!answer.report.to_string().contains("for-the"));
        }
        let trial = Trial::of(user);
        trial.folder.write("d/file", "own");
        symlink("d/file", trial.folder.at("near")).unwrap();
        symlink(trial.folder.at("d"), trial.folder.at("whole")).unwrap();
        trial
            .script("test -L near && test -L whole && grep own near && grep own whole/file")
            .passes();
    }
}

/// What is hidden from the rules by its name is hidden only as it was.
#[test]
fn nothing_hides_in_the_place_of_a_file_that_the_rules_do_not_see() {
    for user in users() {
        let mut trial = Trial::of(user).with(&["--output", "json=answer.json"]);
        trial.folder.write("answer.json", "{}");
        trial.materials = json!([["ALLOW", "root.layout"], ["DISALLOW", "*"]]);
        trial.products = trial.materials.clone();
        trial.script("true").passes();
        trial.folder.write("answer.json", "{}");
        for script in [
            "rm answer.json; echo evil > answer.json",
            "rm answer.json; mkdir answer.json; echo evil > answer.json/file",
            "rm answer.json; echo evil > root.layout; ln -s root.layout answer.json",
        ] {
            let answer = trial.script(script);
            assert_eq!(answer.status, Some(1), "{script}: {answer:?}");
            assert!(answer.message("inspection-failed").is_none(), "{answer:?}");
        }
    }
}
