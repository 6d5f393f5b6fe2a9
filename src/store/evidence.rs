//! The evidence of a verification: the link files that a layout asks for, read beforehand.
//!
//! Links are looked for under their names in folders, by their content in bundles, and, if that is
//! asked for, by their content in folders and all that is below them. What was found by its content
//! comes behind what was found by its name.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::keys::KeyId;
use crate::model::{
    Envelope, Evidence, FoundBy, ItemName, LinkFile, LinkFileError, PayloadKind, wanted_links,
};

use super::bundle::{Bundle, BundleEntry};
use super::discover::{MAX_DISCOVERY_BYTES, discover};
use super::{StoreError, link_file_name, read_envelope};

/// How deep sublayouts may be nested. The deepest chain anyone has shown has three.
pub const MAX_SUBLAYOUT_DEPTH: usize = 8;

/// How many sublayouts one verification follows. Each can ask for many links, so this is the limit
/// that keeps a malicious functionary from keeping a verifier busy.
pub const MAX_SUBLAYOUTS: usize = 64;

/// How many characters of a key id stand in the name of a link file.
const KEYID_SHOWN: usize = 8;

/// How many link files one verification reads, those of sublayouts included: a layout that asks
/// for more is most likely a trap.
pub const MAX_LINK_FILES: usize = 10_000;

/// How many files are read for one layout beside those that are named for functionaries of its steps.
pub const MAX_OTHER_LINK_FILES: usize = 256;

/// How many signatures of a link that was found by its content say for whom it is looked at.
const MAX_SIGNATURES_ASKED: usize = 16;

/// How many things are remarked on. More do not help a reader.
pub const MAX_REMARKS: usize = 100;

/// What was found where links were looked for.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The links.
    pub evidence: Evidence,
    /// What was none, at most [`MAX_REMARKS`].
    pub remarks: Vec<Remark>,
}

/// Something that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What.
    pub path: String,
    /// Why.
    pub why: String,
    /// Whether links may have been missed by that.
    pub is_gap: bool,
}

impl Remark {
    pub(super) fn add(remarks: &mut Vec<Self>, path: String, why: String) {
        let is_gap = false;
        Self { path, why, is_gap }.push(remarks);
    }

    pub(super) fn place(remarks: &mut Vec<Self>, path: &Path, why: String) {
        let path = path.to_string_lossy().into_owned();
        let is_gap = true;
        Self { path, why, is_gap }.push(remarks);
    }

    fn push(self, remarks: &mut Vec<Self>) {
        if remarks.len() < MAX_REMARKS && !remarks.contains(&self) {
            remarks.push(self);
        }
    }
}

/// Reads the link files that a layout asks for from a folder, `STEP.KEYID8.link`, and for each layout
/// among them the ones that it asks for from its own folder, `STEP.KEYID8` beside it. Files of its
/// steps that are named for other keys are read too, after these; sublayouts among them are not
/// followed. The files of one layout are read side by side; what comes out does not depend on that.
pub fn read_evidence(layout: &Envelope, folder: &Path) -> Evidence {
    gather_evidence(layout, &[folder.to_owned()], false).evidence
}

/// The same from several places: folders, and bundles, which are files with many links in them. With
/// `discover` links in the folders and below count whatever their names.
pub fn gather_evidence(layout: &Envelope, places: &[PathBuf], discover: bool) -> Gathered {
    let mut gathering = Gathering {
        files: MAX_LINK_FILES,
        sublayouts: MAX_SUBLAYOUTS,
        discover,
        unpacked: MAX_DISCOVERY_BYTES,
        remarks: Vec::new(),
    };
    let mut opened = Vec::new();
    for path in places {
        if !path.is_file() {
            opened.push(Place::Folder(path.clone()));
            continue;
        }
        match Bundle::read(path, &mut gathering.remarks) {
            Ok(bundle) => opened.push(Place::Bundle(Arc::new(bundle), PathBuf::new())),
            Err(error) => Remark::place(&mut gathering.remarks, path, error.to_string()),
        }
    }
    let evidence = gathering.read_below(layout, &opened, 0);
    Gathered {
        evidence,
        remarks: gathering.remarks,
    }
}

/// Where links may be.
#[derive(Clone, Debug)]
enum Place {
    Folder(PathBuf),
    /// A bundle, and a folder in it.
    Bundle(Arc<Bundle>, PathBuf),
}

impl Place {
    fn below(&self, name: &str) -> Self {
        match self {
            Self::Folder(folder) => Self::Folder(folder.join(name)),
            Self::Bundle(bundle, folder) => Self::Bundle(Arc::clone(bundle), folder.join(name)),
        }
    }
}

/// How the links are read, and how much may still be.
struct Gathering {
    files: usize,
    sublayouts: usize,
    discover: bool,
    /// How many bytes discovered archives may still unpack to.
    unpacked: u64,
    remarks: Vec<Remark>,
}

/// A file that may be there.
struct Sought {
    step: ItemName,
    /// What stands for the key in its name.
    named: String,
    path: PathBuf,
}

impl Gathering {
    fn read_below(&mut self, layout: &Envelope, places: &[Place], depth: usize) -> Evidence {
        let mut evidence = Evidence::default();
        let wanted = wanted_links(layout.payload());
        let folders: Vec<&Path> = places
            .iter()
            .filter_map(|place| match place {
                Place::Folder(folder) => Some(folder.as_path()),
                Place::Bundle(..) => None,
            })
            .collect();
        let sought = named_for_functionaries(&wanted, &folders);
        for (sought, content) in read_all(sought) {
            let Some(content) = content else {
                continue;
            };
            let content = self.within_limit(content);
            let inner = format!("{}.{}", sought.step, sought.named);
            let inner: Vec<Place> = places.iter().map(|place| place.below(&inner)).collect();
            let path = sought.path.to_string_lossy().into_owned();
            let file = self.link_file(path, sought.named, content, &inner, depth);
            insert(&mut evidence, sought.step, file);
        }
        for place in places {
            self.by_content(&wanted, place, depth, &mut evidence);
        }
        let mut others = named_for_others(&wanted, &folders);
        others.truncate(MAX_OTHER_LINK_FILES.min(self.files));
        for (sought, content) in read_all(others) {
            if let Some(content) = content {
                self.files = self.files.saturating_sub(1);
                let file = LinkFile {
                    path: sought.path.to_string_lossy().into_owned(),
                    named: sought.named,
                    found: FoundBy::Name,
                    content,
                    below: Evidence::default(),
                };
                insert(&mut evidence, sought.step, file);
            }
        }
        evidence
    }

    fn within_limit(&mut self, content: LinkContent) -> LinkContent {
        match self.files.checked_sub(1) {
            Some(less) => {
                self.files = less;
                content
            }
            None => Err(LinkFileError::TooMany {
                limit: MAX_LINK_FILES,
            }),
        }
    }

    fn link_file(
        &mut self,
        path: String,
        named: String,
        content: LinkContent,
        inner: &[Place],
        depth: usize,
    ) -> LinkFile {
        let (content, below) = self.follow(content, inner, depth);
        LinkFile {
            path,
            named,
            found: FoundBy::Name,
            content,
            below,
        }
    }

    /// A sublayout, and what is below it.
    fn follow(
        &mut self,
        content: LinkContent,
        inner: &[Place],
        depth: usize,
    ) -> (LinkContent, Evidence) {
        let none = Evidence::default();
        let envelope = match content {
            Ok(envelope) if envelope.kind() == PayloadKind::Layout => envelope,
            content => return (content, none),
        };
        if self.sublayouts == 0 {
            let limit = MAX_SUBLAYOUTS;
            return (Err(LinkFileError::TooManySublayouts { limit }), none);
        }
        if depth >= MAX_SUBLAYOUT_DEPTH {
            let limit = MAX_SUBLAYOUT_DEPTH;
            return (Err(LinkFileError::NestedTooDeep { limit }), none);
        }
        self.sublayouts -= 1;
        let below = self.read_below(&envelope, inner, depth + 1);
        (Ok(envelope), below)
    }

    /// What a place has that is a link by its content: of a bundle everything, of a folder if that is
    /// asked for.
    fn by_content(
        &mut self,
        wanted: &[(ItemName, Vec<KeyId>)],
        place: &Place,
        depth: usize,
        evidence: &mut Evidence,
    ) {
        let sublayouts = sublayout_folders(wanted);
        match place {
            Place::Folder(_) if !self.discover => {}
            Place::Folder(folder) => {
                let found = discover(folder, &sublayouts, &mut self.unpacked, &mut self.remarks);
                for entry in found.entries {
                    let around = Place::Folder(entry.folder.clone());
                    self.entry(wanted, &entry, &around, depth, evidence);
                }
                for bundle in found.bundles {
                    let inside = Place::Bundle(Arc::new(bundle), PathBuf::new());
                    self.by_content(wanted, &inside, depth, evidence);
                }
            }
            Place::Bundle(bundle, folder) => {
                for entry in &bundle.entries {
                    let Ok(inside) = entry.folder.strip_prefix(folder) else {
                        continue;
                    };
                    let mut above = inside.iter().filter_map(|name| name.to_str());
                    if !above.any(|name| sublayouts.contains(name)) {
                        let around = Place::Bundle(Arc::clone(bundle), entry.folder.clone());
                        self.entry(wanted, entry, &around, depth, evidence);
                    }
                }
            }
        }
    }

    /// An envelope that was found by its content. A layout does not say of which step it is; its name
    /// must.
    fn entry(
        &mut self,
        wanted: &[(ItemName, Vec<KeyId>)],
        entry: &BundleEntry,
        around: &Place,
        depth: usize,
        evidence: &mut Evidence,
    ) {
        let (step, named, inner) = match entry.envelope.kind() {
            PayloadKind::Other(_) => return,
            PayloadKind::Layout => {
                let all = wanted
                    .iter()
                    .flat_map(|(step, keyids)| keyids.iter().map(move |keyid| (step, keyid)));
                let mut fits =
                    all.filter(|(step, keyid)| link_file_name(step.as_str(), keyid) == entry.name);
                let Some((step, keyid)) = fits.next() else {
                    return;
                };
                let inner = around.below(&format!("{step}.{}", keyid.short()));
                (step, vec![keyid.short().to_owned()], vec![inner])
            }
            PayloadKind::Link => {
                let link = match entry.envelope.link() {
                    Ok(link) => link,
                    Err(complaints) => {
                        let why = complaints.first().map(ToString::to_string);
                        let path = entry.shown.clone();
                        Remark::add(&mut self.remarks, path, why.unwrap_or_default());
                        return;
                    }
                };
                let mut steps = wanted.iter().map(|(step, _)| step);
                let Some(step) = steps.find(|step| step.as_str() == link.name) else {
                    return;
                };
                (step, signers(&entry.envelope), Vec::new())
            }
        };
        for named in named {
            // A file whose name has led to it already. What a bundle has has no name to be found by.
            let is_there = |file: &LinkFile| file.path == entry.shown && file.named == named;
            if entry.found == FoundBy::Content && evidence.of(step).iter().any(is_there) {
                continue;
            }
            let content = self.within_limit(Ok(entry.envelope.clone()));
            let mut file = self.link_file(entry.shown.clone(), named, content, &inner, depth);
            file.found = entry.found;
            insert(evidence, step.clone(), file);
        }
    }
}

/// For whom a link is looked at: the beginnings of the key ids of its signatures, each once.
fn signers(envelope: &Envelope) -> Vec<String> {
    let mut signers: Vec<String> = Vec::new();
    let signatures = envelope.signatures().iter().take(MAX_SIGNATURES_ASKED);
    for keyid in signatures.filter_map(|signature| signature.keyid.as_ref()) {
        if !signers.iter().any(|known| known == keyid.short()) {
            signers.push(keyid.short().to_owned());
        }
    }
    signers
}

/// The names of the folders in which sublayouts of these steps have their links.
fn sublayout_folders(wanted: &[(ItemName, Vec<KeyId>)]) -> BTreeSet<String> {
    let of_step = |(step, keyids): &(ItemName, Vec<KeyId>)| {
        let name = |keyid: &KeyId| format!("{step}.{}", keyid.short());
        keyids.iter().map(name).collect::<Vec<_>>()
    };
    wanted.iter().flat_map(of_step).collect()
}

/// Adds a file, unless the same is there already from another place.
fn insert(evidence: &mut Evidence, step: ItemName, file: LinkFile) {
    let same = |known: &LinkFile| match (&known.content, &file.content) {
        (Ok(known), Ok(new)) => {
            known.message() == new.message() && known.signatures() == new.signatures()
        }
        _ => false,
    };
    let mut known = evidence.of(&step).iter();
    if !known.any(|known| known.named == file.named && same(known)) {
        evidence.insert(step, file);
    }
}

fn named_for_functionaries(wanted: &[(ItemName, Vec<KeyId>)], folders: &[&Path]) -> Vec<Sought> {
    let mut seen = BTreeSet::new();
    let mut sought = Vec::new();
    for (step, keyids) in wanted {
        for keyid in keyids {
            if !seen.insert((step, keyid.short())) {
                continue;
            }
            sought.extend(folders.iter().map(|folder| Sought {
                step: step.clone(),
                named: keyid.short().to_owned(),
                path: folder.join(link_file_name(step.as_str(), keyid)),
            }));
        }
    }
    sought
}

/// Files in the folders that are named for a step and for no functionary of it, in the order of their
/// names. Where a folder cannot be listed, there are none.
fn named_for_others(wanted: &[(ItemName, Vec<KeyId>)], folders: &[&Path]) -> Vec<Sought> {
    let steps: BTreeMap<&str, &(ItemName, Vec<KeyId>)> = wanted
        .iter()
        .map(|wanted| (wanted.0.as_str(), wanted))
        .collect();
    let other = |folder: &Path, name: &str| {
        let (step, named) = name.strip_suffix(".link")?.rsplit_once('.')?;
        let (step, keyids) = steps.get(step)?;
        let is_key = named.len() == KEYID_SHOWN && named.bytes().all(|b| b.is_ascii_hexdigit());
        let is_functionary = keyids.iter().any(|keyid| keyid.short() == named);
        (is_key && !is_functionary).then(|| Sought {
            step: step.clone(),
            named: named.to_owned(),
            path: folder.join(name),
        })
    };
    let mut all = Vec::new();
    for folder in folders {
        let listed = folder.read_dir().into_iter().flatten().flatten();
        let mut found: Vec<Sought> = listed
            .filter_map(|entry| other(folder, entry.file_name().to_str()?))
            .collect();
        found.sort_by(|one, two| one.path.cmp(&two.path));
        all.extend(found);
    }
    all
}

fn read_all(sought: Vec<Sought>) -> Vec<(Sought, Option<LinkContent>)> {
    let one = |sought: Sought| {
        let content = read_link(&sought.path);
        (sought, content)
    };
    sought.into_par_iter().map(one).collect()
}

type LinkContent = Result<Envelope, LinkFileError>;

/// `None` when there is no such file.
fn read_link(path: &Path) -> Option<LinkContent> {
    Some(match read_envelope(path) {
        Ok(envelope) => Ok(envelope),
        Err(StoreError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return None;
        }
        Err(StoreError::Envelope { source, .. }) => Err(LinkFileError::Envelope(source)),
        Err(error) => Err(LinkFileError::Unreadable(error.to_string())),
    })
}
