//! What a link of many artifacts costs beside reading their files: its text, its signature, reading it
//! back, and trying the patterns of a rule list on its names.

use std::io;
use std::process::ExitCode;

use criterion::{BatchSize, Criterion, Throughput};
use linkwright::keys::{FileKey, KeyIdStyle, KeyKind, Signer as _, generate};
use linkwright::model::{
    ArtifactPath, Artifacts, DigestSet, Envelope, Form, Issue, Link, Pattern, PatternSet,
};

/// Materials, and as many products.
const ARTIFACTS: usize = 20_000;
/// Patterns of a rule list; each has to be tried on every name, and matches a tenth of them. How they
/// are put together is not measured: it is done once for a list.
const PATTERNS: usize = 10;

type Failure = Box<dyn std::error::Error>;

fn artifacts() -> Artifacts {
    let one = |number: usize| {
        let package = number / 100;
        let name = format!("node_modules/package-{package:04}/lib/file-{number:07}.js");
        let mut digest = [7; 32];
        let (start, _) = digest.split_at_mut(8);
        start.copy_from_slice(&number.to_le_bytes());
        (ArtifactPath::claimed(&name), DigestSet::of_sha256(digest))
    };
    (0..ARTIFACTS).map(one).collect()
}

#[expect(clippy::print_stderr, reason = "its answer")]
fn main() -> ExitCode {
    let mut criterion = Criterion::default().configure_from_args();
    match links(&mut criterion).and_then(|()| patterns(&mut criterion)) {
        Ok(()) => {
            criterion.final_summary();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn links(criterion: &mut Criterion) -> Result<(), Failure> {
    let key = FileKey::from_pem(generate(KeyKind::Ed25519)?.pkcs8_pem.as_bytes(), None)?;
    let link = Link {
        name: "step".to_owned(),
        materials: artifacts(),
        products: artifacts(),
        ..Link::default()
    };
    let (issue, message) = Issue::new(&link, Form::Metablock)?;
    let signature = key.sign(&message)?;
    (key.public().verify(&message, &signature)).map_err(|error| format!("{error:?}"))?;
    let mut envelope = Envelope::unsigned(link.to_value(), Form::Metablock)?;
    envelope.add_signature(&key.public().id(KeyIdStyle::Current), &signature);
    let file = envelope.to_text().into_bytes();
    if Envelope::from_bytes(&file)?.link().ok().as_ref() != Some(&link) {
        return Err("the link is another one when it is read back".into());
    }

    let mut group = criterion.benchmark_group("link");
    group.sample_size(20);
    group.throughput(Throughput::Elements(2 * u64::try_from(ARTIFACTS)?));
    group.bench_function("text to sign", |bencher| {
        bencher.iter(|| Issue::new(&link, Form::Metablock).map(|(_, message)| message.len()));
    });
    group.bench_function("Ed25519 signature", |bencher| {
        bencher.iter(|| key.sign(&message));
    });
    group.bench_function("file without its signature", |bencher| {
        bencher.iter(|| issue.write_body(&mut io::sink()));
    });
    group.bench_function("file parsed", |bencher| {
        bencher.iter_batched(
            || file.clone(),
            |file| Envelope::from_vec(file).map(|parsed| parsed.link()),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("signature checked", |bencher| {
        bencher.iter(|| key.public().verify(&message, &signature));
    });
    group.finish();
    Ok(())
}

fn patterns(criterion: &mut Criterion) -> Result<(), Failure> {
    let names = artifacts();
    let patterns: Vec<Pattern> = (0..PATTERNS)
        .map(|number| Pattern::new(&format!("*/file-*{number}.js")))
        .collect();
    let mut group = criterion.benchmark_group("patterns");
    group.throughput(Throughput::Elements(u64::try_from(ARTIFACTS)?));
    group.bench_function("all at once", |bencher| {
        let set = PatternSet::new(&patterns);
        bencher.iter(|| set.matches(&names).len());
    });
    group.bench_function("one by one", |bencher| {
        let set = PatternSet::one_by_one(&patterns);
        bencher.iter(|| set.matches(&names).len());
    });
    group.finish();
    Ok(())
}
