//! How long the machine needs for an event, for open and close, for a roam, and beside how many others.
//!
//! ```sh
//! cargo bench -p netsession-core --bench time
//! ```

mod scenes;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use scenes::{Crowd, alone, on_two, open_and_close, roam_to_and_fro, ten_thousand};

/// What a batch of inputs takes is measured as a whole, and the inputs are made before.
const BATCH: usize = 256;

fn events(bench: &mut Criterion) {
    let mut group = bench.benchmark_group("256 events of a link in use");
    group.throughput(criterion::Throughput::Elements(BATCH as u64));
    for others in [1, 100, 10_000] {
        let mut crowd = Crowd::new(others);
        let batch = Crowd::addresses(BATCH);
        group.bench_function(format!("beside {others} sessions"), |bencher| {
            bencher.iter_batched(
                || batch.clone(),
                |batch| batch.into_iter().for_each(|input| crowd.scene.handle(input)),
                BatchSize::SmallInput,
            );
        });
    }
}

fn commands(bench: &mut Criterion) {
    let mut one = alone();
    bench.bench_function("open and close, with start and stop", |bencher| {
        bencher.iter(|| open_and_close(&mut one));
    });
    let mut two = on_two();
    bench.bench_function("two roams, to and fro", |bencher| {
        bencher.iter(|| roam_to_and_fro(&mut two));
    });
    bench.bench_function("10 000 sessions opened on 256 access points", |bencher| {
        bencher.iter(ten_thousand);
    });
}

criterion_group!(benches, events, commands);
criterion_main!(benches);
