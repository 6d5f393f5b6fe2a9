//! One recording of a tree: many small files, and some of a mebibyte.

use std::fs;

use criterion::{Criterion, criterion_group, criterion_main};
use linkwright::event::Silent;
use linkwright::record::{Backend, Options, record};

fn scan(criterion: &mut Criterion) {
    for (name, files, size) in [("small", 5_000_usize, 2_000_usize), ("mib", 64, 1 << 20)] {
        let Ok(folder) = tempfile::tempdir() else {
            return;
        };
        for index in 0..files {
            let inner = folder.path().join(format!("d{}", index / 40));
            let content = vec![u8::try_from(index % 251).unwrap_or_default(); size];
            if fs::create_dir_all(&inner).is_err()
                || fs::write(inner.join(format!("f{index}")), content).is_err()
            {
                return;
            }
        }
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        for backend in [Backend::Portable, Backend::Fastest] {
            let options = Options {
                base_path: Some(folder.path().to_owned()),
                backend,
                ..Options::default()
            };
            group.bench_function(format!("{backend:?}"), |bencher| {
                bencher.iter(|| record(&[".".to_owned()], &options, &Silent).map(|all| all.len()));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, scan);
criterion_main!(benches);
