//! `layout graph`.

use crate::support::Folder;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/demo.layout");

#[test]
fn each_format_is_written() {
    let folder = Folder::new();
    for (format, start) in [
        ("svg", "<svg xmlns=\"http://www.w3.org/2000/svg\""),
        ("dot", "digraph layout {\n"),
        (
            "mermaid",
            "flowchart TB\n  n0[\"write<br/>1 of 1 key<br/>signed by 971a92ed\"]\n",
        ),
    ] {
        let drawn = folder.linkwright(&["layout", "graph", "--format", format, DEMO]);
        assert_eq!(drawn.status, Some(0), "{}", drawn.err);
        assert!(drawn.out().starts_with(start), "{}", drawn.out());
    }
    let drawn = folder.linkwright(&["layout", "graph", DEMO]);
    let xml = roxmltree::Document::parse(drawn.out()).unwrap();
    let texts = xml.descendants().filter(|node| node.has_tag_name("text"));
    let texts: Vec<&str> = texts.filter_map(|node| node.text()).collect();
    for text in [
        "write",
        "pack",
        "1 of 1 key",
        "signed by 54c624b1",
        "$ tar cf out.tar src",
    ] {
        assert!(texts.contains(&text), "{texts:?}");
    }
}

#[test]
fn a_link_is_no_layout() {
    let folder = Folder::new();
    let link = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/write.971a92ed.link"
    );
    let refused = folder.linkwright(&["layout", "graph", link]);
    assert_eq!(refused.status, Some(1));
    assert_eq!(refused.out(), "");
}
