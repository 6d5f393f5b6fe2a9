//! `layout show`.

use std::fs;

use crate::support::Folder;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.layout");

#[test]
fn the_graph_stands_above_what_the_layout_asks_for() {
    let folder = Folder::new();
    let shown = folder.linkwright(&["layout", "show", "--width", "80", DEMO]);
    assert_eq!(shown.status, Some(0), "{}", shown.err);
    let graph = "\
● 1 write  (1 of 1 key)
│ signed by 971a92ed
▼ *
● 2 pack  (1 of 1 key)
  signed by 54c624b1
  $ tar cf out.tar src

  expires 2060-12-31T23:59:59Z
";
    assert!(shown.out().contains(graph), "{}", shown.out());
}

#[test]
fn columns_say_how_wide_it_is() {
    let folder = Folder::new();
    folder.write(
        "long.layout",
        fs::read_to_string(DEMO)
            .unwrap()
            .replace("out.tar", &"long".repeat(40)),
    );
    let mut command = folder.command(&["layout", "show", "long.layout"]);
    let output = command.env("COLUMNS", "60").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let graph = text.split("\n\n").nth(1).unwrap();
    assert!(graph.contains('…'), "{graph}");
    assert!(
        graph.lines().all(|line| line.chars().count() <= 60),
        "{graph}"
    );
}
