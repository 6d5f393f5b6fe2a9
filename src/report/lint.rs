//! What reading a layout over found before anybody signs it: data only.
//!
//! A [`Lint`] is about one document. Each finding has a stable [`LintCode`]; the manual's page
//! [`lint`](crate::manual::lint) says what each means.

use std::collections::BTreeSet;
use std::fmt;

use crate::model::Moment;

use super::Severity;

/// What was found about one layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lint {
    /// The layout's path, as given.
    pub document: String,
    /// When it expires, if that can be read.
    pub expires: Option<Moment>,
    /// Everything, in the order of the document.
    pub findings: Vec<LintFinding>,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// Which kind of thing.
    pub code: LintCode,
    /// How much it weighs.
    pub severity: Severity,
    /// What, and why it matters: one line, untrusted text in it escaped.
    pub message: String,
    /// What to do about it.
    pub help: String,
    /// RFC 6901 pointer into the value that is signed.
    pub pointer: String,
    /// The step or inspection that it is about, for people: ``step `build` ``.
    pub item: Option<String>,
}

/// Which findings refuse, beside errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LintPolicy {
    /// Every warning refuses, but for those that are allowed.
    pub warnings: bool,
    /// Codes that refuse whatever they weigh.
    pub denied: BTreeSet<LintCode>,
    /// Codes that are only noted.
    pub allowed: BTreeSet<LintCode>,
}

impl Lint {
    /// Weighs the findings by a policy: what is denied becomes an error, what is allowed a note. But for
    /// what keeps a layout from being one: of the rest of it nobody can say anything then.
    pub fn enforce(&mut self, policy: &LintPolicy) {
        for finding in &mut self.findings {
            let warning = policy.warnings && finding.severity == Severity::Warning;
            if policy.denied.contains(&finding.code) {
                finding.severity = Severity::Error;
            } else if policy.allowed.contains(&finding.code)
                && finding.code != LintCode::LayoutInvalid
            {
                finding.severity = Severity::Note;
            } else if warning {
                finding.severity = Severity::Error;
            }
        }
    }

    /// How many findings have a weight.
    pub fn count(&self, severity: Severity) -> usize {
        let findings = self.findings.iter();
        findings.filter(|one| one.severity == severity).count()
    }
}

/// Names for the codes, and all of them in the order of the alphabet.
macro_rules! codes {
    ($($variant:ident $name:literal $meaning:literal)*) => {
        /// A kind of finding. The names are stable: new ones are added, none is renamed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum LintCode {
            $(#[doc = $meaning] $variant,)*
        }

        impl LintCode {
            /// Every code, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name by which people and programs know it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

codes! {
    AllowEverything "allow-everything" "`ALLOW *`."
    ArtifactOnlyAllowed "artifact-only-allowed" "Evidence that an ALLOW alone lets through."
    ArtifactRefused "artifact-refused" "Evidence that the rules refuse."
    ArtifactUnchecked "artifact-unchecked" "Evidence that no rule is about."
    CommandDiffers "command-differs" "A link with another command."
    ConstraintLooksLikePattern "constraint-looks-like-pattern" "A constraint with `*` inside a value."
    ConstraintTakesAnyone "constraint-takes-anyone" "A constraint that asks for nothing."
    ConstraintUnsatisfiable "constraint-unsatisfiable" "A constraint that no certificate meets."
    DisallowWithoutEffect "disallow-without-effect" "A DISALLOW behind an ALLOW of the same."
    EvidenceMissing "evidence-missing" "A step without a link."
    ExpiryFar "expiry-far" "A layout that is valid for years."
    ExpiryMissing "expiry-missing" "A layout without an expiry."
    ExpiryPast "expiry-past" "A layout that has expired."
    ExpirySoon "expiry-soon" "A layout that expires soon."
    FieldMisspelt "field-misspelt" "A field that is nearly a known one."
    FieldUnknown "field-unknown" "A field that nobody knows."
    InspectionEmptyRun "inspection-empty-run" "An inspection without a command."
    InspectionRunsProduct "inspection-runs-product" "A command out of the folder that is checked."
    InspectionRunsShell "inspection-runs-shell" "A shell as the command of an inspection."
    InspectionToolUncommon "inspection-tool-uncommon" "A program that may be missing."
    InspectionUsesNetwork "inspection-uses-network" "A command that needs the network."
    KeyAloneEverywhere "key-alone-everywhere" "One key that is enough for every step."
    KeyExpired "key-expired" "An OpenPGP key that has expired."
    KeyMissing "key-missing" "A key id without a key."
    KeyNeverSigned "key-never-signed" "A functionary without a link."
    KeyTwice "key-twice" "One key under two ids."
    KeyUnusable "key-unusable" "A key object that holds no key that can be used."
    KeyUnused "key-unused" "A key that no step needs."
    KeyWeak "key-weak" "A short key, or a weak algorithm."
    LayoutEmpty "layout-empty" "A layout that asks for nothing."
    LayoutInvalid "layout-invalid" "Something that has not the form it must have."
    LayoutWithoutSteps "layout-without-steps" "A layout with inspections only."
    LintIncomplete "lint-incomplete" "A list that is too long to be read over whole."
    ListEmpty "list-empty" "A list without rules."
    ListOpen "list-open" "A list that does not end with `DISALLOW *`."
    ListRefusesNothing "list-refuses-nothing" "A list without DISALLOW and REQUIRE."
    MatchFromLater "match-from-later" "A MATCH with a step that comes later."
    MatchFromUnknown "match-from-unknown" "A MATCH with a step that is not there."
    MatchWithItself "match-with-itself" "A MATCH of a list with itself."
    MatchWithoutCounterpart "match-without-counterpart" "A MATCH of what the other step cannot have."
    MaterialsUnexplained "materials-unexplained" "Materials that come from no earlier step."
    NameAwkward "name-awkward" "A name that must be quoted in a shell."
    NameInvalid "name-invalid" "A name that cannot name a file."
    NameTwice "name-twice" "A name that stands twice."
    OwnerIsFunctionary "owner-is-functionary" "The layout's owner performs a step."
    ParameterOpen "parameter-open" "A parameter that must be given."
    PatternLooksForeign "pattern-looks-foreign" "A pattern of another language."
    PatternMatchesNothing "pattern-matches-nothing" "A pattern that no name matches."
    PatternRepeatsPrefix "pattern-repeats-prefix" "A pattern that has the prefix in it again."
    PrefixLooksLikePattern "prefix-looks-like-pattern" "A prefix with wildcards."
    ProductsUnprotected "products-unprotected" "Products that nobody compares with."
    RequireAfterTaken "require-after-taken" "A REQUIRE of what was taken before."
    RequireLooksLikePattern "require-looks-like-pattern" "A REQUIRE with wildcards."
    RequireThenDisallowed "require-then-disallowed" "A REQUIRE of what is refused behind it."
    RootExpired "root-expired" "A certificate authority that is not valid now."
    RootUnused "root-unused" "Certificate authorities that no step needs."
    RuleOnWrongSide "rule-on-wrong-side" "CREATE of materials, DELETE of products."
    RuleShadowed "rule-shadowed" "A rule for which nothing is left."
    RuleTookNothing "rule-took-nothing" "A rule that took nothing in the evidence."
    RuleWithoutEffect "rule-without-effect" "A rule whose refusals an ALLOW lets through."
    StepWithoutFunctionary "step-without-functionary" "A step that nobody may perform."
    ThresholdUnreachable "threshold-unreachable" "A threshold above the number of signers."
}

impl LintCode {
    /// The code of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|code| code.name() == name)
    }

    /// What it means, as the manual has it.
    pub fn meaning(self) -> &'static str {
        let row = |line: &'static str| {
            let rest = line.strip_prefix("| `")?.strip_prefix(self.name())?;
            let cells = rest.strip_prefix("` | ")?.strip_suffix(" |")?;
            cells.split_once(" | ").map(|(_, meaning)| meaning)
        };
        PAGE.lines().find_map(row).unwrap_or(self.name())
    }
}

impl fmt::Display for LintCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The manual's page about lint, one code in a line of its table: code, weight, meaning.
const PAGE: &str = include_str!("../manual/lint.md");

#[cfg(test)]
mod tests {
    use super::*;

    fn weighed(policy: &LintPolicy) -> Vec<Severity> {
        let finding = |code, severity| LintFinding {
            code,
            severity,
            message: String::new(),
            help: String::new(),
            pointer: String::new(),
            item: None,
        };
        let mut lint = Lint {
            findings: vec![
                finding(LintCode::KeyMissing, Severity::Error),
                finding(LintCode::ListOpen, Severity::Warning),
                finding(LintCode::KeyWeak, Severity::Note),
            ],
            ..Lint::default()
        };
        lint.enforce(policy);
        lint.findings.iter().map(|one| one.severity).collect()
    }

    #[test]
    fn the_policy_weighs() {
        use Severity::{Error, Note, Warning};
        let set = |codes: &[LintCode]| codes.iter().copied().collect();
        let plain = LintPolicy::default();
        assert_eq!(weighed(&plain), [Error, Warning, Note]);
        let warnings = LintPolicy {
            warnings: true,
            ..plain.clone()
        };
        assert_eq!(weighed(&warnings), [Error, Error, Note]);
        let allowed = LintPolicy {
            allowed: set(&[LintCode::ListOpen, LintCode::KeyMissing]),
            ..warnings.clone()
        };
        assert_eq!(weighed(&allowed), [Note, Note, Note]);
        let denied = LintPolicy {
            denied: set(&[LintCode::KeyWeak, LintCode::ListOpen]),
            ..allowed
        };
        assert_eq!(weighed(&denied), [Note, Error, Error]);
    }

    #[test]
    fn the_manual_has_all_codes() {
        let row = |line: &'static str| line.strip_prefix("| `")?.split('`').next();
        let listed: Vec<&str> = PAGE.lines().filter_map(row).collect();
        let known: Vec<&str> = LintCode::ALL.iter().map(|code| code.name()).collect();
        assert!(known.is_sorted());
        assert_eq!(listed, known);
        for code in LintCode::ALL {
            assert_ne!(code.meaning(), code.name(), "it has a weight and a meaning");
            assert_eq!(LintCode::from_name(code.name()), Some(*code));
        }
    }
}
