//! The commands of inspections, which the verifier runs: whether they are more than a look at files.

use crate::model::{command_line, quoted};
use crate::report::LintCode;

use super::findings::Findings;
use super::reading::{Item, Reading};

/// Programs that take another command and run it.
const WRAPPERS: [&str; 9] = [
    "command", "env", "exec", "nice", "nohup", "stdbuf", "sudo", "time", "timeout",
];

const SHELLS: [&str; 14] = [
    "ash",
    "bash",
    "busybox",
    "cmd",
    "cmd.exe",
    "csh",
    "dash",
    "fish",
    "ksh",
    "mksh",
    "powershell",
    "pwsh",
    "sh",
    "zsh",
];

/// Programs that run a script, the first word that is no option.
const INTERPRETERS: [&str; 12] = [
    "awk", "bash", "dash", "ksh", "node", "perl", "php", "python", "python3", "ruby", "sh", "zsh",
];

/// Programs that run what the folder says.
const BUILDERS: [&str; 13] = [
    "ant", "cargo", "cmake", "gradle", "just", "make", "meson", "mvn", "ninja", "npm", "pytest",
    "rake", "tox",
];

/// Programs that do nothing without a network.
const NETWORK: [&str; 22] = [
    "aria2c", "aws", "az", "curl", "dig", "ftp", "gcloud", "gh", "host", "kubectl", "nc", "ncat",
    "netcat", "npx", "nslookup", "ping", "scp", "sftp", "ssh", "telnet", "wget", "whois",
];

/// Programs that need it for these of their commands.
const NETWORK_COMMANDS: [(&str, &[&str]); 27] = [
    ("apk", &["add", "update", "upgrade"]),
    ("apt", &["install", "update", "upgrade"]),
    ("apt-get", &["install", "update", "upgrade"]),
    ("buildah", &["from", "pull", "push"]),
    ("cargo", &["fetch", "install", "update"]),
    (
        "cosign",
        &["attest", "download", "sign", "verify", "verify-attestation"],
    ),
    ("crane", &["copy", "digest", "manifest", "pull", "push"]),
    ("dnf", &["install", "update", "upgrade"]),
    ("docker", &["build", "login", "pull", "push", "run"]),
    ("gem", &["install", "update"]),
    (
        "git",
        &["clone", "fetch", "ls-remote", "pull", "push", "submodule"],
    ),
    ("go", &["get", "install"]),
    ("helm", &["install", "pull", "repo", "upgrade"]),
    ("npm", &["add", "ci", "i", "install", "publish", "update"]),
    ("oras", &["copy", "pull", "push"]),
    ("pip", &["download", "install"]),
    ("pip3", &["download", "install"]),
    ("pipx", &["install", "run"]),
    ("pnpm", &["add", "i", "install"]),
    ("podman", &["build", "login", "pull", "push", "run"]),
    ("rustup", &["install", "update"]),
    ("skopeo", &["copy", "inspect", "sync"]),
    ("svn", &["checkout", "co", "up", "update"]),
    ("trivy", &["image", "repo"]),
    ("uv", &["add", "sync"]),
    ("yarn", &["add", "install"]),
    ("yum", &["install", "update", "upgrade"]),
];

/// Programs that are on nearly every machine.
const COMMON: [&str; 47] = [
    "[",
    "basename",
    "cat",
    "cksum",
    "cmp",
    "comm",
    "cp",
    "cut",
    "date",
    "diff",
    "dirname",
    "echo",
    "egrep",
    "expr",
    "false",
    "fgrep",
    "file",
    "find",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "ls",
    "md5sum",
    "mkdir",
    "mv",
    "od",
    "printf",
    "rm",
    "sed",
    "seq",
    "sha1sum",
    "sha256sum",
    "sha512sum",
    "sort",
    "stat",
    "tail",
    "tar",
    "tee",
    "test",
    "touch",
    "tr",
    "true",
    "uniq",
    "wc",
    "xargs",
    "zcat",
];

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    for inspection in reading.inspections() {
        let run = inspection.texts("run");
        let words: Vec<&str> = run.into_iter().map(|(_, word)| word).collect();
        command(inspection, &words, found);
    }
}

fn command(inspection: &Item<'_>, words: &[&str], found: &mut Findings) {
    let at = match inspection.object.get("run") {
        Some(_) => format!("{}/run", inspection.pointer),
        None => inspection.pointer.clone(),
    };
    let unwrapped = unwrapped(words);
    let Some((program, arguments)) = unwrapped
        .split_first()
        .filter(|(program, _)| !program.is_empty())
    else {
        let message = "the inspection has no command to run, and fails";
        let help = "write a command; `true` only lets the rules look at the files";
        return found.error(LintCode::InspectionEmptyRun, &at, message.to_owned(), help);
    };
    let name = base(program);
    let shell = SHELLS.contains(&name);
    if shell && script(name, arguments).is_none() {
        let message = format!(
            "it runs the shell {}: names of files can become commands there, and what it does cannot be seen from its words",
            quoted(name)
        );
        let help = "run the program itself, with its arguments as words of the list";
        found.warn(LintCode::InspectionRunsShell, &at, message, help);
    }
    let used = match shell {
        true => arguments.iter().find_map(|text| in_script(text)),
        false => network(unwrapped),
    };
    if let Some(used) = used {
        let message = format!(
            "it uses the network ({}): what it says depends on more than the files at hand, and the sandbox of `verify` lets nothing through",
            quoted(&used)
        );
        let help = "get what it needs in a step, whose products are signed, and look at them here";
        found.warn(LintCode::InspectionUsesNetwork, &at, message, help);
    }
    product(&at, program, name, arguments, found);
    if !shell && !program.contains('/') && !COMMON.contains(&name) && !program.contains('{') {
        let message = format!(
            "{} may be missing on the machine of whoever verifies",
            quoted(name)
        );
        let help = "say in `readme` what must be installed, or look at the files with what is on every machine";
        found.note(LintCode::InspectionToolUncommon, &at, message, help);
    }
}

/// What runs out of the folder that is checked.
fn product(at: &str, program: &str, name: &str, arguments: &[&str], found: &mut Findings) {
    let what = if program.contains('/') && !program.starts_with('/') {
        program.to_owned()
    } else if let Some(script) = script(name, arguments) {
        script.to_owned()
    } else if BUILDERS.contains(&name) && network(&[&[name], arguments].concat()).is_none() {
        command_line(&[name])
    } else {
        return;
    };
    let message = format!(
        "it runs {} as the folder that is checked has it: whoever can change the files can change the check",
        quoted(&what)
    );
    let help = "run a program that is installed, by its name or with an absolute path";
    found.warn(LintCode::InspectionRunsProduct, at, message, help);
}

/// The command without what only runs it.
fn unwrapped<'s, 'w>(words: &'s [&'w str]) -> &'s [&'w str] {
    let mut rest = words;
    while let Some((program, behind)) = rest.split_first()
        && WRAPPERS.contains(&base(program))
    {
        let option = |word: &&str| {
            word.starts_with('-')
                || word.contains('=')
                || word.starts_with(|c: char| c.is_ascii_digit())
        };
        let skipped = behind.iter().take_while(|word| option(word)).count();
        rest = behind.get(skipped..).unwrap_or_default();
        if rest.is_empty() {
            return words;
        }
    }
    rest
}

/// The script that an interpreter runs, if it is a file of the folder.
fn script<'w>(name: &str, arguments: &[&'w str]) -> Option<&'w str> {
    if !INTERPRETERS.contains(&name) {
        return None;
    }
    let first = arguments.iter().find(|word| !word.is_empty())?;
    let is_file = !first.starts_with('-') && !first.starts_with('/') && name != "awk";
    is_file.then_some(*first)
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// The words of a command that need a network.
fn network(words: &[&str]) -> Option<String> {
    let words = unwrapped(words);
    let (program, arguments) = words.split_first()?;
    let name = base(program);
    if NETWORK.contains(&name) {
        return Some(name.to_owned());
    }
    if name.starts_with("python")
        && let Some(("-m", module)) = arguments.split_first().map(|(first, rest)| (*first, rest))
    {
        return network(module);
    }
    let commands = NETWORK_COMMANDS.iter().find(|(known, _)| *known == name)?.1;
    let mut plain = arguments.iter().filter(|word| !word.starts_with('-'));
    let used = plain.next().filter(|word| commands.contains(word))?;
    // Local transports of container tools need none.
    let is_local = |word: &&&str| {
        ["dir:", "oci:", "oci-archive:", "docker-archive:"]
            .iter()
            .any(|local| word.starts_with(local))
    };
    if name == "skopeo"
        && arguments.iter().any(|word| is_local(&word))
        && !arguments.iter().any(|word| word.contains("://"))
    {
        return None;
    }
    Some(format!("{name} {used}"))
}

/// The same for a script of a shell, whose commands are told apart roughly.
fn in_script(text: &str) -> Option<String> {
    let ends = |c: char| ";|&\n()`{}".contains(c);
    text.split(ends).find_map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        let start = words.iter().position(|word| {
            !["if", "then", "else", "do", "while", "!", "set"].contains(word) && !word.contains('=')
        })?;
        network(words.get(start..)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_found_behind_wrappers_and_in_scripts() {
        for (words, used) in [
            (vec!["curl", "x"], Some("curl")),
            (vec!["/usr/bin/wget"], Some("wget")),
            (
                vec!["env", "-i", "A=b", "git", "clone", "x"],
                Some("git clone"),
            ),
            (
                vec!["timeout", "5", "pip", "-q", "install"],
                Some("pip install"),
            ),
            (
                vec!["python3", "-m", "pip", "download"],
                Some("pip download"),
            ),
            (vec!["git", "log"], None),
            (vec!["pip", "check"], None),
            (vec!["skopeo", "inspect", "oci:x"], None),
            (
                vec!["skopeo", "inspect", "docker://x"],
                Some("skopeo inspect"),
            ),
            (vec![], None),
            (vec!["env"], None),
        ] {
            assert_eq!(network(&words).as_deref(), used, "{words:?}");
        }
        assert_eq!(
            in_script("set -e; A=1 curl x | sh").as_deref(),
            Some("curl")
        );
        assert_eq!(
            in_script("if ! git pull; then exit 1; fi").as_deref(),
            Some("git pull")
        );
        assert_eq!(in_script("echo curl"), None);
    }

    #[test]
    fn lists_are_in_order() {
        assert!(COMMON.is_sorted() && SHELLS.is_sorted() && INTERPRETERS.is_sorted());
        assert!(BUILDERS.is_sorted() && NETWORK.is_sorted() && NETWORK_COMMANDS.is_sorted());
    }
}
