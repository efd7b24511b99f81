//! Work on all threads whose results are taken in one by one, in order: however many threads there are, what is written is the
//! same.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

use rayon::ThreadPool;

use crate::error::Error;

/// Tells others of a panic, who would wait for ever for what this thread was to make; the pool passes it on.
struct Watch<'a>(&'a dyn Fn());

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

/// Does tasks on all threads, and takes in what they make in their order. A thread that is too far ahead of what was taken in
/// waits: so no more than two things for each thread are made and not taken in. A task is fetched when a thread is free.
pub fn in_order<T: Send, M: Send>(
    pool: &ThreadPool,
    tasks: impl IntoIterator<Item = Result<T, Error>, IntoIter: Send>,
    make: impl Fn(T) -> Result<M, Error> + Sync,
    take: impl FnMut(M) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    in_order_with(pool, tasks, || (), |(), task| make(task), take)
}

/// The same, where each thread keeps something from task to task, which it begins with.
pub fn in_order_with<S, T: Send, M: Send>(
    pool: &ThreadPool,
    tasks: impl IntoIterator<Item = Result<T, Error>, IntoIter: Send>,
    begin: impl Fn() -> S + Sync,
    make: impl Fn(&mut S, T) -> Result<M, Error> + Sync,
    take: impl FnMut(M) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    struct Queue<I, M, F> {
        tasks: std::iter::Enumerate<I>,
        made: BTreeMap<usize, M>,
        next: usize,
        take: F,
        error: Option<Error>,
    }
    let made = BTreeMap::new();
    let queue = Mutex::new(Queue { tasks: tasks.into_iter().enumerate(), made, next: 0, take, error: None });
    let moved = Condvar::new();
    let room = 2 * pool.current_num_threads();
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    pool.broadcast(|_| {
        let _watch = Watch(&|| {
            lock().error.get_or_insert_with(|| Error::Encode("a thread failed".to_owned()));
            moved.notify_all();
        });
        let mut kept = begin();
        loop {
            let Some((at, task)) = lock().tasks.next() else { return };
            let made = task.and_then(|task| make(&mut kept, task));
            let mut queue = lock();
            while at >= queue.next + room && queue.error.is_none() {
                queue = moved.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            match made {
                Ok(made) => drop(queue.made.insert(at, made)),
                Err(error) => drop(queue.error.get_or_insert(error)),
            }
            let Queue { made, next, take, error, .. } = &mut *queue;
            while let (None, Some(made)) = (&error, made.remove(next)) {
                *next += 1;
                *error = take(made).err();
            }
            moved.notify_all();
            if error.is_some() {
                return;
            }
        }
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.error.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads")
    }

    #[test]
    fn results_come_in_order_and_an_error_ends_the_work() {
        let mut taken = Vec::new();
        let make = |n: u64| {
            std::thread::sleep(std::time::Duration::from_millis(7 * n % 5));
            Ok(n)
        };
        in_order(&pool(), (0..50).map(Ok), make, |n| {
            taken.push(n);
            Ok(())
        })
        .expect("no error");
        assert!(taken.into_iter().eq(0..50));
        let mut taken = Vec::new();
        let fails = |n: u64| if n == 7 { Err(Error::Interrupted) } else { Ok(n) };
        let ended = in_order(&pool(), (0..50).map(Ok), fails, |n| {
            taken.push(n);
            Ok(())
        });
        assert!(matches!(ended, Err(Error::Interrupted)));
        assert!(taken.into_iter().all(|n| n < 7));
        let refused = in_order(&pool(), (0..50).map(Ok), Ok::<u64, Error>, |_| Err(Error::Interrupted));
        assert!(matches!(refused, Err(Error::Interrupted)));
    }

    #[test]
    fn a_panic_is_passed_on_and_nobody_waits_for_ever() {
        let panics = std::panic::catch_unwind(|| {
            in_order(&pool(), (0..50).map(Ok), |n: u64| if n == 3 { panic!("as wanted") } else { Ok(n) }, |_| Ok(()))
        });
        assert!(panics.is_err());
    }
}
