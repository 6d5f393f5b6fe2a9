//! SHA-256 of many contents in memory: the kernels of this machine beside `sha2` alone.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linkwright::record::{Backend, sha256_of_each};

/// Contents side by side: as many as the widest kernel takes.
const CONTENTS: usize = 16;

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sha256");
    for size in [64_usize, 1 << 10, 2 << 10, 16 << 10, 64 << 10] {
        let content = vec![0x5a_u8; size];
        let contents = vec![content.as_slice(); CONTENTS];
        let bytes = u64::try_from(size * CONTENTS).unwrap_or_default();
        group.throughput(Throughput::Bytes(bytes));
        for backend in [Backend::Portable, Backend::Fastest] {
            let id = BenchmarkId::new(format!("{backend:?}"), size);
            group.bench_function(id, |bencher| {
                bencher.iter(|| sha256_of_each(backend, &contents));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
