//! The templates: the files in `layouts/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use linkwright::author::TEMPLATES;

#[test]
fn the_files_are_the_templates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts");
    let files = fs::read_dir(&folder).unwrap();
    let files: BTreeSet<String> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = TEMPLATES
        .iter()
        .map(|template| format!("{}.layout.toml", template.name));
    assert_eq!(files, expected.collect());
    for template in &TEMPLATES {
        let file = folder.join(format!("{}.layout.toml", template.name));
        assert_eq!(fs::read_to_string(file).unwrap(), template.text);
    }
}
