//! SHA-256 and SHA-512 of many contents in memory: each kernel of this machine, and the backends as
//! they are used beside `sha2` alone.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use linkwright::record::{Backend, KernelAlone, sha256_of_each};

/// Contents side by side: as many as the widest kernel takes.
const CONTENTS: usize = 16;

fn backends(criterion: &mut Criterion) {
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

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("alone");
    for size in [1_usize << 10, 64 << 10] {
        let content = vec![0x5a_u8; size];
        let contents = vec![content.as_slice(); CONTENTS];
        let bytes = u64::try_from(size * CONTENTS).unwrap_or_default();
        group.throughput(Throughput::Bytes(bytes));
        for kernel in KernelAlone::all() {
            let function = if kernel.is_sha512() {
                "sha512"
            } else {
                "sha256"
            };
            let id = BenchmarkId::new(format!("{function} {}", kernel.name()), size);
            group.bench_function(id, |bencher| bencher.iter(|| kernel.digests(&contents)));
        }
    }
    group.finish();
}

criterion_group!(benches, backends, kernels);
criterion_main!(benches);
