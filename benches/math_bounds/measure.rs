//! Processor time and peak memory of one call, and their distribution over many.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, with counts of live bytes and their peak.
struct Counting;

fn grown(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

#[allow(
    unsafe_code,
    reason = "an allocator is an unsafe trait; this one only counts"
)]
// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `at` came from `alloc` above with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both blocks may live while one is copied.
        grown(size);
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `at` came from `alloc` above with this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What one call took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    cpu: Duration,
    peak_bytes: usize,
}

/// What this thread has used; other programs on the core do not count.
fn processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

/// Runs a call; one that takes long runs up to four times more and the least
/// time counts, since other programs may have had the caches.
pub(crate) fn measured<T>(call: impl Fn() -> T) -> (T, Sample) {
    const LONG: Duration = Duration::from_millis(2);
    let once = || {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let start = processor();
        let result = call();
        let cpu = processor().saturating_sub(start);
        let peak_bytes = PEAK.load(Relaxed) - before;
        (result, Sample { cpu, peak_bytes })
    };
    let (result, mut sample) = once();
    for _ in 0..4 {
        if sample.cpu < LONG {
            break;
        }
        sample.cpu = sample.cpu.min(once().1.cpu);
    }
    (result, sample)
}

/// How many of the slowest are shown.
const SHOWN: usize = 8;

/// The samples of one kind of input.
pub(crate) struct Family {
    name: &'static str,
    times: Vec<Duration>,
    /// Distinct texts that took longest, the longest first.
    slow: Vec<(Duration, String)>,
    peak: (usize, String),
}

impl Family {
    pub(crate) fn new(name: &'static str) -> Self {
        Family {
            name,
            times: Vec::new(),
            slow: Vec::new(),
            peak: (0, String::new()),
        }
    }

    pub(crate) fn add(&mut self, sample: Sample, text: &str, reference: &str) {
        let shown = || {
            let cut = |text: &str, length: usize| text.chars().take(length).collect::<String>();
            format!(
                "{} | {} ({} B)",
                cut(reference, 40),
                cut(text, 160),
                text.len()
            )
        };
        self.times.push(sample.cpu);
        if self.slow.len() < SHOWN || self.slow.last().is_some_and(|last| sample.cpu > last.0) {
            let text = shown();
            let like = |other: &str| other.split(" | ").nth(1) == text.split(" | ").nth(1);
            match self.slow.iter_mut().find(|(_, other)| like(other)) {
                Some(known) if known.0 >= sample.cpu => {}
                Some(known) => *known = (sample.cpu, text),
                None => self.slow.push((sample.cpu, text)),
            }
            self.slow.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
            self.slow.truncate(SHOWN);
        }
        if sample.peak_bytes > self.peak.0 {
            self.peak = (sample.peak_bytes, shown());
        }
    }

    /// Prints the family and adds it to another.
    pub(crate) fn report(mut self, all: &mut Family) {
        self.times.sort_unstable();
        let micros = |share: f64| {
            let last = self.times.len().saturating_sub(1);
            let at = (last as f64 * share).round() as usize;
            self.times
                .get(at)
                .map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        let worst = self.slow.first().map_or(Duration::ZERO, |slow| slow.0);
        println!(
            "{:<22} {:>8} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>10}  {:?}",
            self.name,
            self.times.len(),
            micros(0.5),
            micros(0.99),
            micros(0.999),
            worst.as_secs_f64() * 1e6,
            self.peak.0 / 1000,
            self.peak.1,
        );
        for (time, text) in &self.slow {
            println!("{:>22.2} ms  {text:?}", time.as_secs_f64() * 1e3);
        }
        all.times.extend(&self.times);
        all.slow.extend(self.slow);
        all.slow.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        all.slow.truncate(SHOWN);
        if self.peak.0 > all.peak.0 {
            all.peak = self.peak;
        }
    }
}
