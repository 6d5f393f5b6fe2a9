//! One recording of a tree, and its floors: the same walk that only finds the files, and the same walk
//! that also opens, reads and closes them but hashes nothing.
//!
//! Trees of many small files and of some of a mebibyte are made for it. With `LINKWRIGHT_BENCH_TREE`
//! a folder of one's own is measured instead.

use std::path::Path;
use std::{env, fs};

use criterion::{Criterion, criterion_group, criterion_main};
use linkwright::event::Silent;
use linkwright::record::{Backend, Effort, Options, go_over, record};

fn scan(criterion: &mut Criterion) {
    if let Some(folder) = env::var_os("LINKWRIGHT_BENCH_TREE") {
        return tree(criterion, "tree", Path::new(&folder));
    }
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
        tree(criterion, name, folder.path());
    }
}

fn tree(criterion: &mut Criterion, name: &str, folder: &Path) {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20);
    let options = |backend| Options {
        base_path: Some(folder.to_owned()),
        backend,
        ..Options::default()
    };
    for effort in [Effort::Find, Effort::Read, Effort::Hash] {
        let options = options(Backend::Fastest);
        group.bench_function(format!("{effort:?}"), |bencher| {
            bencher.iter(|| go_over(folder, &options, effort));
        });
    }
    for backend in [Backend::Portable, Backend::Fastest] {
        let options = options(backend);
        group.bench_function(format!("record {backend:?}"), |bencher| {
            bencher.iter(|| record(&[".".to_owned()], &options, &Silent).map(|all| all.len()));
        });
    }
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);
