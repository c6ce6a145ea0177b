//! Several benches at once. A round mostly waits, so what is staged a hundred times is staged in several labs side by
//! side, each with ports of its own, in one runtime.

use std::cell::RefCell;

use futures_util::future::join_all;
use roundsman_lab::LabOptions;

use super::{Bench, bench};

/// How many labs run side by side: enough to hide the waiting, and few enough that two busy cores bear them.
const TOGETHER: usize = 8;

/// Benches that are alike.
pub(crate) struct Benches(Vec<Bench>);

/// Starts the benches.
pub(crate) async fn benches(options: &LabOptions) -> Benches {
    Benches(join_all((0..TOGETHER).map(|_| bench(options.clone()))).await)
}

impl Benches {
    /// What `look` says of each item, in the order of the items. Each has a bench to itself meanwhile.
    pub(crate) async fn each<T, R>(
        &self,
        items: impl IntoIterator<Item = T>,
        look: impl AsyncFn(&Bench, T) -> R,
    ) -> Vec<R> {
        let queue = RefCell::new(items.into_iter().enumerate());
        let work = self.0.iter().map(async |bench| {
            let mut done = Vec::new();
            loop {
                // Nothing is borrowed while a round runs.
                let Some((at, item)) = queue.borrow_mut().next() else {
                    break done;
                };
                done.push((at, look(bench, item).await));
            }
        });
        let mut done = join_all(work).await.into_iter().flatten().collect::<Vec<_>>();
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, said)| said).collect()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bench> {
        self.0.iter()
    }
}
