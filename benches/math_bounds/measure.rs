//! Wall time and peak memory of one call, and their distribution over many.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

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
    wall: Duration,
    peak_bytes: usize,
}

/// Runs a call; one that takes long runs up to four times more and the least
/// time counts, since other programs may have had the core.
pub(crate) fn measured<T>(call: impl Fn() -> T) -> (T, Sample) {
    const LONG: Duration = Duration::from_millis(2);
    let once = || {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let start = Instant::now();
        let result = call();
        let wall = start.elapsed();
        let peak_bytes = PEAK.load(Relaxed) - before;
        (result, Sample { wall, peak_bytes })
    };
    let (result, mut sample) = once();
    for _ in 0..4 {
        if sample.wall < LONG {
            break;
        }
        sample.wall = sample.wall.min(once().1.wall);
    }
    (result, sample)
}

/// How many of the slowest are shown.
const SHOWN: usize = 8;

/// The samples of one kind of input.
pub(crate) struct Family {
    name: &'static str,
    walls: Vec<Duration>,
    /// Distinct texts that took longest, the longest first.
    slow: Vec<(Duration, String)>,
    peak: (usize, String),
}

impl Family {
    pub(crate) fn new(name: &'static str) -> Self {
        Family {
            name,
            walls: Vec::new(),
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
        self.walls.push(sample.wall);
        if self.slow.len() < SHOWN || self.slow.last().is_some_and(|last| sample.wall > last.0) {
            let text = shown();
            let like = |other: &str| other.split(" | ").nth(1) == text.split(" | ").nth(1);
            match self.slow.iter_mut().find(|(_, other)| like(other)) {
                Some(known) if known.0 >= sample.wall => {}
                Some(known) => *known = (sample.wall, text),
                None => self.slow.push((sample.wall, text)),
            }
            self.slow.sort_by_key(|(wall, _)| std::cmp::Reverse(*wall));
            self.slow.truncate(SHOWN);
        }
        if sample.peak_bytes > self.peak.0 {
            self.peak = (sample.peak_bytes, shown());
        }
    }

    /// Prints the family and adds it to another.
    pub(crate) fn report(mut self, all: &mut Family) {
        self.walls.sort_unstable();
        let micros = |share: f64| {
            let last = self.walls.len().saturating_sub(1);
            let at = (last as f64 * share).round() as usize;
            self.walls
                .get(at)
                .map_or(0.0, |wall| wall.as_secs_f64() * 1e6)
        };
        let worst = self.slow.first().map_or(Duration::ZERO, |slow| slow.0);
        println!(
            "{:<22} {:>8} {:>10.1} {:>10.1} {:>10.1} {:>10.1} {:>10}  {:?}",
            self.name,
            self.walls.len(),
            micros(0.5),
            micros(0.99),
            micros(0.999),
            worst.as_secs_f64() * 1e6,
            self.peak.0 / 1000,
            self.peak.1,
        );
        for (wall, text) in &self.slow {
            println!("{:>22.2} ms  {text:?}", wall.as_secs_f64() * 1e3);
        }
        all.walls.extend(&self.walls);
        all.slow.extend(self.slow);
        all.slow.sort_by_key(|(wall, _)| std::cmp::Reverse(*wall));
        all.slow.truncate(SHOWN);
        if self.peak.0 > all.peak.0 {
            all.peak = self.peak;
        }
    }
}
