//! Sets of digests: when two of them speak of the same content.

use proptest::prelude::*;

use linkwright::encoding::{Object, Value};
use linkwright::model::{Agreement, DigestSet};

/// Strong and weak algorithms, known here and not, each with one of two digests.
fn set() -> impl Strategy<Value = DigestSet> {
    let name = prop::sample::select(vec![
        ("sha256", 32),
        ("sha512", 64),
        ("blake3", 32),
        ("sha384", 48),
        ("md5", 16),
        ("sha1", 20),
        ("SHA256", 32),
        ("x", 1),
    ]);
    let member = (name, prop::sample::select(vec!["ab", "AB", "0f"]));
    proptest::collection::vec(member, 0..4).prop_map(|members| {
        let members = members
            .into_iter()
            .map(|((name, length), digits)| (name.to_owned(), Value::from(digits.repeat(length))));
        DigestSet::from_value(&Value::Object(members.collect::<Object>())).unwrap()
    })
}

fn is_strong(set: &DigestSet) -> bool {
    set.iter().any(|(algorithm, _)| algorithm.is_strong())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn agreement_is_symmetric(one in set(), two in set()) {
        prop_assert_eq!(one.agreement(&two), two.agreement(&one));
    }

    #[test]
    fn a_set_agrees_with_itself_exactly_if_an_algorithm_of_it_is_strong(set in set()) {
        prop_assert_eq!(set.agreement(&set) == Agreement::Same, is_strong(&set));
    }

    #[test]
    fn agreement_needs_an_equal_strong_digest_and_allows_no_different_one(
        one in set(), two in set(),
    ) {
        let theirs: Vec<_> = two.iter().collect();
        let differs = one.iter().any(|(algorithm, text)| {
            theirs.iter().any(|(other, digest)| *other == algorithm && *digest != text)
        });
        let proves = one.iter().any(|digest| digest.0.is_strong() && theirs.contains(&digest));
        let agreement = one.agreement(&two);
        prop_assert_eq!(agreement == Agreement::Same, proves && !differs);
        prop_assert_eq!(agreement == Agreement::Different, differs);
    }

    #[test]
    fn sets_read_back(set in set()) {
        prop_assert_eq!(DigestSet::from_value(&set.to_value()), Ok(set));
    }
}
