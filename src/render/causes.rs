//! What is behind findings, as JSON: near misses, differences, what was found instead of links. Each has a
//! `kind`, and what is said of it to people as its `message`.

use serde_json::{Value, json};

use crate::keys::{KeyId, Mismatch};
use crate::model::ItemName;
use crate::report::{
    Cause, Difference, DifferenceKind, DigestPair, Instead, Miss, NearMiss, Other, Otherwise,
    Unreached,
};

/// A cause with its kind.
pub(super) fn cause(cause: Cause<'_>) -> Value {
    match cause {
        Cause::NearMisses(near) => json!({
            "kind": "near-misses",
            "near": near.iter().map(near_miss).collect::<Vec<_>>(),
        }),
        Cause::Differences { list, more } => json!({
            "kind": "differences",
            "differences": list.iter().map(difference).collect::<Vec<_>>(),
            "more": more,
        }),
        Cause::Links {
            needed,
            found,
            broken,
            looked_for,
            instead,
        } => json!({
            "kind": "links",
            "needed": needed,
            "found": found,
            "broken": broken,
            "looked_for": looked_for,
            "instead": instead.iter().map(found_instead).collect::<Vec<_>>(),
        }),
        Cause::Owners { good } => json!({"kind": "owners", "good": ids(good)}),
        Cause::Mismatches(list) => json!({
            "kind": "mismatches",
            "mismatches": list.iter().map(mismatch).collect::<Vec<_>>(),
        }),
        Cause::Sublayout(problem) => json!({
            "kind": "sublayout",
            "code": problem.code(),
            "message": problem.headline(),
        }),
        Cause::Unreached(why) => unreached(why),
        Cause::TakenBefore(rule) => json!({"kind": "taken-before", "rule": rule}),
    }
}

fn ids(ids: &[KeyId]) -> Vec<&str> {
    ids.iter().map(KeyId::as_str).collect()
}

/// A kind and a message, and what else there is to know.
fn told(kind: &str, message: &dyn ToString, mut more: Value) -> Value {
    if let Value::Object(fields) = &mut more {
        fields.insert("kind".to_owned(), kind.into());
        fields.insert("message".to_owned(), message.to_string().into());
    }
    more
}

fn near_miss(near: &NearMiss) -> Value {
    json!({"rule": near.rule, "why": miss(&near.why)})
}

fn miss(why: &Miss) -> Value {
    let (kind, more) = match why {
        Miss::OtherDigest {
            there,
            digests,
            changed_here,
        } => (
            "other-digest",
            json!({
                "there": other(there),
                "digests": pair(digests),
                "changed_here": changed_here,
            }),
        ),
        Miss::NothingShared { there } => ("nothing-shared", json!({"there": other(there)})),
        Miss::Elsewhere {
            there,
            matches,
            would,
        } => (
            "elsewhere",
            json!({"there": other(there), "matches": matches, "would": would}),
        ),
        Miss::NotThere { there, similar } => (
            "not-there",
            json!({"there": other(there), "similar": similar}),
        ),
        Miss::OnBothSides { other, same } => {
            ("on-both-sides", json!({"side": other.noun(), "same": same}))
        }
        Miss::Unchanged => ("unchanged", json!({})),
        Miss::OnOneSide { other } => ("on-one-side", json!({"side": other.noun()})),
        Miss::WrongSide { about } => ("wrong-side", json!({"side": about.noun()})),
        Miss::Pattern { would } => ("pattern", json!({"would": would})),
        Miss::Unfilled { parameter } => ("unfilled", json!({"parameter": parameter})),
        Miss::Case => ("case", json!({})),
        Miss::SimilarName => ("similar-name", json!({})),
    };
    told(kind, why, more)
}

fn other(other: &Other) -> Value {
    json!({"item": other.from.as_str(), "side": other.side.noun(), "path": other.path})
}

/// On this side or in the first link, and on the other.
fn pair(pair: &DigestPair) -> Value {
    json!({"algorithm": pair.algorithm, "first": pair.first, "second": pair.second})
}

fn difference(difference: &Difference) -> Value {
    let (how, digests) = match &difference.how {
        DifferenceKind::OnlyInFirst => ("only-in-first", None),
        DifferenceKind::OnlyInOther => ("only-in-other", None),
        DifferenceKind::Digests(digests) => ("digests", Some(pair(digests))),
        DifferenceKind::Algorithms => ("algorithms", None),
    };
    json!({
        "side": difference.side.noun(),
        "path": difference.path,
        "how": how,
        "digests": digests,
    })
}

fn found_instead(instead: &Instead) -> Value {
    let (kind, more) = match &instead.what {
        Otherwise::Unusable { .. } => ("unusable", json!({})),
        Otherwise::Unsigned => ("unsigned", json!({})),
        Otherwise::OtherId { authorised, found } => (
            "other-id",
            json!({"keyids": [found.as_str()], "authorised": authorised.as_str()}),
        ),
        Otherwise::Misnamed { keyid, name } => (
            "misnamed",
            json!({"keyids": [keyid.as_str()], "name": name}),
        ),
        Otherwise::OtherStep { step } => ("other-step", json!({"steps": [step]})),
        Otherwise::WrongSignature { keyid } => {
            ("wrong-signature", json!({"keyids": [keyid.as_str()]}))
        }
        Otherwise::OtherFunctionary { keyid, steps } => {
            let steps: Vec<&str> = steps.iter().map(ItemName::as_str).collect();
            (
                "other-functionary",
                json!({"keyids": [keyid.as_str()], "steps": steps}),
            )
        }
        Otherwise::Stranger { keyids } => ("stranger", json!({"keyids": keyids})),
    };
    json!({"path": instead.path, "what": told(kind, &instead.what, more)})
}

fn mismatch(mismatch: &Mismatch) -> Value {
    json!({
        "attribute": mismatch.attribute,
        "expected": mismatch.expected,
        "found": mismatch.found,
    })
}

fn unreached(why: &Unreached) -> Value {
    let (reason, step) = match why {
        Unreached::NoLink { step } => ("no-link", Some(step)),
        Unreached::LinksDisagree { step } => ("links-disagree", Some(step)),
        Unreached::InspectionNotRun => ("inspection-not-run", None),
        Unreached::SomethingFailed => ("something-failed", None),
        Unreached::NoProducts => ("no-products", None),
        Unreached::LayoutNotTrusted => ("layout-not-trusted", None),
    };
    json!({"kind": "unreached", "reason": reason, "step": step.map(ItemName::as_str)})
}
