//! A supply chain that passes, made in memory, and what may be known about it without asking the
//! verifier: which statements were signed by whom, and therefore which files can pass.
//!
//! Two owners; three steps (two functionaries by DSSE and Metablock; a link beside a sublayout of
//! two steps; one functionary alone) and an inspection. Every signature in it is needed, and every
//! list of rules ends with `DISALLOW *`. Beside the chain there are decoys: validly signed by its
//! own people, for something else. The keys are fixed, so that a failing case can be run again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{LazyLock, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use linkwright::encoding::{self, Object, Value};
use linkwright::keys::{Authority, FileKey, KeyId, KeyIdStyle, PublicKey, Signer};
use linkwright::model::{
    Artifacts, DigestSet, Envelope, Evidence, Form, FoundBy, Inspection, Layout, Link, LinkFile,
    LinkFileError, Moment, PayloadKind, wanted_links,
};
use linkwright::render::{self, Dress};
use linkwright::report::{ItemKind, Policy, Status, Verdict};
use linkwright::verify::{
    Checked, Inspected, InspectionError, Inspector, Outcome, Owner, Request, layout_problem, verify,
};

use super::oracle;

/// File names to contents; folders are part of the name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Where the layout is.
pub(crate) const LAYOUT: &str = "root.layout";

/// Everyone there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Person {
    /// Owns the root layout.
    Olga = 1,
    /// Owns the root layout too.
    Otto,
    /// Fetches and builds.
    Alice,
    /// Fetches, and builds by a layout of his own.
    Bob,
    /// Packs, and links in Bob's layout.
    Carl,
    /// Compiles in Bob's layout.
    Dave,
    /// May build, and never did.
    Erin,
    /// Is in no layout.
    Mallory,
}

/// Reading a key takes longer than a whole verification.
static PUBLIC: [OnceLock<PublicKey>; 9] = [const { OnceLock::new() }; 9];
static IDS: [OnceLock<KeyId>; 9] = [const { OnceLock::new() }; 9];
static CHAIN: LazyLock<Chain> = LazyLock::new(Chain::make);

impl Person {
    /// Her key: the Ed25519 key whose seed is her number 32 times.
    pub(crate) fn key(self) -> FileKey {
        let head = [
            0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20,
        ];
        let der = [&head[..], &[self as u8; 32]].concat();
        let text = STANDARD.encode(der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
        FileKey::from_pem(pem.as_bytes(), None).unwrap()
    }

    /// Her public key.
    pub(crate) fn public(self) -> &'static PublicKey {
        PUBLIC[self as usize].get_or_init(|| self.key().public().clone())
    }

    /// The id under which she signs.
    pub(crate) fn id(self) -> KeyId {
        let id = || self.public().id(KeyIdStyle::Current);
        IDS[self as usize].get_or_init(id).clone()
    }

    /// Adds her signature.
    pub(crate) fn sign(self, envelope: &mut Envelope) {
        let signature = self.key().sign(envelope.message()).unwrap();
        envelope.add_signature(&self.id(), &signature);
    }

    /// The file name of her link.
    pub(crate) fn link(self, step: &str) -> String {
        format!("{step}.{}.link", self.id().short())
    }
}

/// A signed statement that the chain needs.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// The file that has it.
    pub(crate) file: String,
    /// Who signed it.
    pub(crate) by: Person,
    /// The bytes that were signed.
    pub(crate) message: Vec<u8>,
}

/// The chain.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// All files of it.
    pub(crate) files: Files,
    /// All that must have been signed.
    pub(crate) statements: Vec<Statement>,
    /// Files signed by the same people, but for something else.
    pub(crate) decoys: Files,
    /// The one of them that only the inspection finds out.
    pub(crate) other_pack: Option<Statement>,
}

/// Artifacts with one digest each; another `tag` makes other contents.
fn artifacts(names: &[&str], tag: u8) -> Value {
    let one = |name: &&str| {
        let mut digest = [tag; 32];
        digest[0] = u8::try_from(name.len()).unwrap();
        ((*name).to_owned(), DigestSet::of_sha256(digest).to_value())
    };
    Value::Object(names.iter().map(one).collect())
}

fn words(text: &str) -> Value {
    Value::from(text.split_whitespace().map(Value::from).collect::<Vec<_>>())
}

fn rules(lines: &[&str]) -> Value {
    Value::from(lines.iter().map(|line| words(line)).collect::<Vec<_>>())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.into_iter();
    Value::Object(
        members
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn step(name: &str, by: &[Person], threshold: i64, materials: &[&str], products: &[&str]) -> Value {
    let ids = by.iter().map(|person| Value::from(person.id().as_str()));
    object([
        ("_type", Value::from("step")),
        ("name", Value::from(name)),
        ("pubkeys", Value::from(ids.collect::<Vec<_>>())),
        ("threshold", Value::from(threshold)),
        ("expected_command", words(name)),
        ("expected_materials", rules(materials)),
        ("expected_products", rules(products)),
    ])
}

fn layout(people: &[Person], expires: &str, steps: Vec<Value>, inspect: Vec<Value>) -> Value {
    let key = |person: &Person| {
        let id = person.id().as_str().to_owned();
        (id, person.public().to_value(KeyIdStyle::Current))
    };
    object([
        ("_type", Value::from("layout")),
        ("expires", Value::from(expires)),
        ("readme", Value::from("é \"quoted\" \\ \n")),
        ("keys", Value::Object(people.iter().map(key).collect())),
        ("steps", Value::from(steps)),
        ("inspect", Value::from(inspect)),
    ])
}

fn link(name: &str, materials: &[&str], products: &[&str], tag: u8) -> Value {
    object([
        ("_type", Value::from("link")),
        ("name", Value::from(name)),
        ("command", words(name)),
        ("materials", artifacts(materials, 0)),
        ("products", artifacts(products, tag)),
        ("byproducts", object([("return-value", Value::from(0))])),
        ("environment", Value::from(Object::new())),
    ])
}

fn signed(payload: Value, form: Form, by: &[Person]) -> Envelope {
    let mut envelope = Envelope::unsigned(payload, form).unwrap();
    for person in by {
        person.sign(&mut envelope);
    }
    envelope
}

fn root(expires: &str) -> Value {
    use Person::{Alice, Bob, Carl, Erin};
    let steps = vec![
        step(
            "fetch",
            &[Alice, Bob],
            2,
            &["DISALLOW *"],
            &["CREATE src/*", "DISALLOW *"],
        ),
        step(
            "build",
            &[Erin, Bob, Alice],
            2,
            &["MATCH src/* WITH PRODUCTS FROM fetch", "DISALLOW *"],
            &[
                "REQUIRE out/app",
                "MATCH main.c IN src WITH PRODUCTS IN src FROM fetch",
                "CREATE out/app",
                "DISALLOW *",
            ],
        ),
        step(
            "pack",
            &[Carl],
            1,
            &["MATCH out/* WITH PRODUCTS FROM build", "DISALLOW *"],
            &["MODIFY log", "CREATE pack.tar", "DISALLOW *"],
        ),
    ];
    let inspection = object([
        ("_type", Value::from("inspection")),
        ("name", Value::from("unpack")),
        ("run", words("true")),
        (
            "expected_materials",
            rules(&["MATCH pack.tar WITH PRODUCTS FROM pack", "DISALLOW *"]),
        ),
        (
            "expected_products",
            rules(&["MATCH pack.tar WITH MATERIALS FROM unpack", "DISALLOW *"]),
        ),
    ]);
    layout(&[Alice, Bob, Carl, Erin], expires, steps, vec![inspection])
}

fn sublayout(expires: &str) -> Value {
    let steps = vec![
        step(
            "compile",
            &[Person::Dave],
            1,
            &["ALLOW src/main.c", "DISALLOW *"],
            &["ALLOW src/main.c", "CREATE out/*.o", "DISALLOW *"],
        ),
        step(
            "link",
            &[Person::Carl],
            1,
            &["MATCH * WITH PRODUCTS FROM compile", "DISALLOW *"],
            &[
                "MATCH src/* WITH MATERIALS FROM compile",
                "CREATE out/app",
                "DISALLOW *",
            ],
        ),
    ];
    layout(&[Person::Dave, Person::Carl], expires, steps, Vec::new())
}

const EXPIRES: &str = "2040-01-01T00:00:00Z";
const EXPIRED: &str = "2020-01-01T00:00:00Z";
const NOW: &str = "2030-01-01T00:00:00Z";

impl Chain {
    /// The chain.
    pub(crate) fn new() -> Self {
        CHAIN.clone()
    }

    fn make() -> Self {
        use Person::{Alice, Bob, Carl, Dave, Olga, Otto};
        let mut chain = Self {
            files: Files::new(),
            statements: Vec::new(),
            decoys: Files::new(),
            other_pack: None,
        };
        let (metablock, dsse) = (Form::Metablock, Form::Dsse);
        let (source, object) = (&["src/main.c"], "out/main.o");
        let built = &["src/main.c", "out/app"];
        let below = format!("build.{}/", Bob.id().short());
        chain.add(LAYOUT.to_owned(), root(EXPIRES), metablock, &[Olga, Otto]);
        let fetched = || link("fetch", &[], source, 0);
        chain.add(Alice.link("fetch"), fetched(), metablock, &[Alice]);
        chain.add(Bob.link("fetch"), fetched(), dsse, &[Bob]);
        let made = || link("build", source, built, 0);
        chain.add(Alice.link("build"), made(), dsse, &[Alice]);
        chain.add(Bob.link("build"), sublayout(EXPIRES), dsse, &[Bob]);
        let compiled = link("compile", source, &["src/main.c", object], 0);
        chain.add(
            below.clone() + &Dave.link("compile"),
            compiled,
            metablock,
            &[Dave],
        );
        let linked = link("link", &["src/main.c", object], built, 0);
        chain.add(below + &Carl.link("link"), linked, metablock, &[Carl]);
        let packed = link("pack", &["out/app"], &["pack.tar"], 0);
        chain.add(Carl.link("pack"), packed, metablock, &[Carl]);
        chain.add_decoys();
        chain
    }

    fn add_decoys(&mut self) {
        use Person::{Alice, Bob, Carl, Olga, Otto};
        let source = &["src/main.c"];
        let built = &["src/main.c", "out/app"];
        let fetched = link("fetch", &[], source, 0);
        let made = link("build", source, built, 0);
        let decoys = [
            ("an expired layout", root(EXPIRED), &[Olga, Otto][..]),
            (
                "a layout of one owner",
                root("2041-01-01T00:00:00Z"),
                &[Olga],
            ),
            ("an expired sublayout", sublayout(EXPIRED), &[Bob]),
            ("another fetch", link("fetch", &[], source, 9), &[Bob]),
            ("another build", link("build", source, built, 9), &[Alice]),
            ("another link", link("link", source, built, 9), &[Carl]),
            (
                "another pack",
                link("pack", &["out/app"], &["pack.tar"], 9),
                &[Carl],
            ),
            ("a fetch by one who may not", fetched, &[Carl]),
            ("a build by a stranger", made, &[Person::Mallory]),
            ("a layout by a stranger", root(EXPIRES), &[Person::Mallory]),
        ];
        for (name, payload, by) in decoys {
            let decoy = signed(payload, Form::Metablock, by);
            if name == "another pack" {
                self.other_pack = Some(Statement {
                    file: Carl.link("pack"),
                    by: Carl,
                    message: decoy.message().to_vec(),
                });
            }
            self.decoys
                .insert(name.to_owned(), decoy.to_text().into_bytes());
        }
    }

    fn add(&mut self, file: String, payload: Value, form: Form, by: &[Person]) {
        let envelope = signed(payload, form, by);
        for by in by {
            self.statements.push(Statement {
                file: file.clone(),
                by: *by,
                message: envelope.message().to_vec(),
            });
        }
        self.files.insert(file, envelope.to_text().into_bytes());
    }

    /// Whether every statement is still there, read by a reader of its own. Nobody can make a
    /// valid signature over anything else, so without this nothing may pass.
    pub(crate) fn stands_in(&self, files: &Files) -> bool {
        self.statements.iter().all(|statement| {
            let bytes = files.get(&statement.file);
            bytes.is_some_and(|bytes| statement.stands_in(bytes))
        })
    }

    /// Whether an inspection may run: all is there, or all but for the pack that it finds out.
    pub(crate) fn may_be_inspected(&self, files: &Files) -> bool {
        let stands = |statement: &Statement| {
            let bytes = files.get(&statement.file);
            bytes.is_some_and(|bytes| statement.stands_in(bytes))
        };
        let other = self.other_pack.iter().find(|other| stands(other));
        let mut needed = self.statements.iter();
        needed.all(|needed| stands(needed) || other.is_some_and(|other| other.file == needed.file))
    }

    /// Whether every needed file is one that the strict reader takes: other implementations may
    /// read a document that has a key twice.
    pub(crate) fn is_readable(&self, files: &Files) -> bool {
        self.statements.iter().all(|statement| {
            let bytes = files.get(&statement.file);
            bytes.is_some_and(|bytes| Envelope::from_bytes(bytes).is_ok())
        })
    }

    /// All file names that the layouts of the chain ask for.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let mut names: Vec<String> = self.files.keys().cloned().collect();
        names.push(Person::Erin.link("build"));
        names
    }
}

impl Statement {
    fn stands_in(&self, file: &[u8]) -> bool {
        let Ok(document) = serde_json::from_slice::<serde_json::Value>(file) else {
            return false;
        };
        let metablock = document.get("payload").is_none();
        let message = if metablock {
            document
                .get("signed")
                .map(|signed| oracle::canonical(signed).into_bytes())
        } else {
            let kind = document["payloadType"].as_str().unwrap_or_default();
            base64(&document["payload"]).map(|payload| oracle::pae(kind.as_bytes(), &payload))
        };
        let id = self.by.id();
        let signatures = document["signatures"].as_array().into_iter().flatten();
        let good = |signature: &serde_json::Value| {
            let bytes = if metablock {
                hex(&signature["sig"])
            } else {
                base64(&signature["sig"])
            };
            signature["keyid"] == id.as_str()
                && bytes.is_some_and(|bytes| self.by.public().verify(&self.message, &bytes).is_ok())
        };
        message.is_some_and(|message| message == self.message) && signatures.into_iter().any(good)
    }
}

fn base64(text: &serde_json::Value) -> Option<Vec<u8>> {
    let text = text.as_str()?;
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

fn hex(text: &serde_json::Value) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.as_str()?.chars().map(|c| c.to_digit(16)).collect();
    let pairs = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    pairs
        .chunks(2)
        .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
        .collect()
}

/// An inspection that finds the package which the chain made, and counts how often it ran.
#[derive(Debug, Default)]
pub(crate) struct Unpack {
    /// How often.
    pub(crate) runs: usize,
}

impl Inspector for Unpack {
    fn inspect(
        &mut self,
        inspection: &Checked<Inspection>,
        _: &[String],
    ) -> Result<Inspected, InspectionError> {
        self.runs += 1;
        let found = link(inspection.name.as_str(), &["pack.tar"], &["pack.tar"], 0);
        Ok(Inspected {
            link: Link::from_value(&found).unwrap(),
            unseen: Vec::new(),
        })
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Decision {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What the layout amounts to.
    pub(crate) summary: Option<Link>,
    /// How often an inspection ran.
    pub(crate) runs: usize,
    /// Everything that was said, as JSON; empty when the layout is no envelope.
    pub(crate) said: String,
}

/// Verifies the files for both owners.
pub(crate) fn decide(files: &Files) -> Decision {
    decide_for(files, &[Person::Olga, Person::Otto], false)
}

/// Verifies the files for these owners; `backwards` hands the evidence over in another order.
/// Whatever comes out is checked to be consistent.
pub(crate) fn decide_for(files: &Files, owners: &[Person], backwards: bool) -> Decision {
    decide_under(files, owners, backwards, &Policy::default())
}

/// The same where some warnings refuse.
pub(crate) fn decide_under(
    files: &Files,
    owners: &[Person],
    backwards: bool,
    policy: &Policy,
) -> Decision {
    let nothing = Vec::new();
    let layout = match Envelope::from_bytes(files.get(LAYOUT).unwrap_or(&nothing)) {
        Ok(layout) => layout,
        Err(error) => {
            assert!(!layout_problem(&error).to_string().is_empty());
            return Decision {
                verdict: Verdict::Undecided,
                summary: None,
                runs: 0,
                said: String::new(),
            };
        }
    };
    let owners: Vec<Owner<'_>> = owners
        .iter()
        .map(|owner| Owner {
            authority: owner.public(),
            ids: vec![KeyId::new("another id of hers"), owner.id()],
        })
        .collect();
    let evidence = gather(&layout, files, "", backwards, 4);
    let mut inspector = Unpack::default();
    let request = Request {
        document: LAYOUT,
        policy,
        explain: &["src/main.c".to_owned(), "out/ap".to_owned()],
        ..Request::new(&layout, &evidence, &owners, Moment::parse(NOW).unwrap())
    };
    let outcome = verify(&request, &mut inspector);
    let said = assert_consistent(&outcome, &layout);
    Decision {
        said,
        verdict: outcome.report.verdict(),
        summary: outcome.summary,
        runs: inspector.runs,
    }
}

/// The link files that a layout asks for, from memory.
fn gather(layout: &Envelope, files: &Files, folder: &str, backwards: bool, depth: u8) -> Evidence {
    let mut evidence = Evidence::default();
    let mut wanted = wanted_links(layout.payload());
    if backwards {
        wanted.reverse();
    }
    let pairs = wanted
        .into_iter()
        .flat_map(|(step, keyids)| keyids.into_iter().map(move |keyid| (step.clone(), keyid)));
    let mut seen = BTreeSet::new();
    for (step, keyid) in pairs {
        let path = format!("{folder}{step}.{}.link", keyid.short());
        let Some(bytes) = files.get(&path).filter(|_| seen.insert(path.clone())) else {
            continue;
        };
        let content = Envelope::from_bytes(bytes).map_err(LinkFileError::Envelope);
        let below = match &content {
            Ok(inner) if inner.kind() == PayloadKind::Layout && depth > 0 => {
                let folder = format!("{folder}{step}.{}/", keyid.short());
                gather(inner, files, &folder, backwards, depth - 1)
            }
            _ => Evidence::default(),
        };
        let file = LinkFile {
            path,
            named: keyid.short().to_owned(),
            found: FoundBy::Name,
            content,
            below,
        };
        evidence.insert(step, file);
    }
    evidence
}

/// What holds for every outcome, whatever went in. Gives the report as JSON.
fn assert_consistent(outcome: &Outcome, layout: &Envelope) -> String {
    let report = &outcome.report;
    let passed = report.verdict() == Verdict::Pass;
    assert_eq!(passed, outcome.summary.is_some());
    if passed {
        assert!(!report.has_errors());
        assert!(
            report
                .items
                .iter()
                .all(|item| item.status == Status::Passed)
        );
        let layout = Layout::from_value(layout.payload()).unwrap();
        for step in &layout.steps {
            let is_it = |item: &&linkwright::report::Item| {
                item.kind == ItemKind::Step && item.name == step.name.as_str()
            };
            let item = report
                .items
                .iter()
                .find(is_it)
                .expect("every step is reported");
            let counted = item.links.iter().filter(|link| link.why_not.is_none());
            let counted: BTreeSet<_> = counted
                .filter_map(|link| layout.functionaries.get(&link.keyid)?.key.as_ref().ok())
                .map(Authority::fingerprint)
                .collect();
            assert!(counted.len() as u64 >= step.threshold);
        }
        let looked = report
            .items
            .iter()
            .filter(|item| item.kind == ItemKind::Inspection);
        assert!(looked.count() >= layout.inspections.len());
    }
    let mut shown = Vec::new();
    let dress = Dress {
        color: true,
        verbose: true,
    };
    render::human(report, dress, &mut shown).unwrap();
    let shown = String::from_utf8(shown).unwrap();
    let mut machine = Vec::new();
    render::json(report, &mut machine).unwrap();
    let document = encoding::parse(&machine).expect("the report is JSON");
    let document = document.as_object().unwrap();
    let (word, verdict) = match report.verdict() {
        Verdict::Pass => ("PASSED", "pass"),
        Verdict::Refuse => ("REFUSED", "refuse"),
        Verdict::Undecided => ("UNDECIDED", "undecided"),
    };
    assert!(shown.lines().last().unwrap().contains(word), "{shown}");
    assert_eq!(document.get("verdict"), Some(&Value::from(verdict)));
    String::from_utf8(machine).unwrap()
}

/// The summary of the chain as it was made.
pub(crate) fn summary() -> Link {
    let packed = Link::from_value(&link("pack", &["out/app"], &["pack.tar"], 0)).unwrap();
    Link {
        name: String::new(),
        materials: Artifacts::new(),
        ..packed
    }
}
