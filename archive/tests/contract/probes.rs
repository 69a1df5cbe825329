//! How many blocks of indexes a look-up reads: few, whatever the length of the log.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use godwit_archive::{Disk, DiskFile, InboxQuery, SimulatedDisk};
use godwit_model::AccountNo;

use crate::stage::{Stage, group, keyed, message, page, small};

/// Counts what is read of indexes.
#[derive(Clone)]
struct CountingDisk {
    disk: SimulatedDisk,
    reads: Arc<AtomicU64>,
}

struct CountingFile {
    file: Arc<dyn DiskFile>,
    reads: Arc<AtomicU64>,
}

impl CountingDisk {
    fn wrap(&self, name: &str, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        if name.contains(".idx") {
            let reads = Arc::clone(&self.reads);
            Arc::new(CountingFile { file, reads })
        } else {
            file
        }
    }

    /// What is read of indexes meanwhile.
    fn reads<T>(&self, work: impl FnOnce() -> T) -> (u64, T) {
        let before = self.reads.load(Ordering::Relaxed);
        let result = work();
        (self.reads.load(Ordering::Relaxed) - before, result)
    }
}

impl Disk for CountingDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.create(name).map(|file| self.wrap(name, file))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(name).map(|file| self.wrap(name, file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.disk.sync_directory()
    }
}

impl DiskFile for CountingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.file.reserve(bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

/// 1,200 messages of 4,000 bytes, in about eighty segments.
const MESSAGES: u64 = 1_200;

fn filled(fan_in: usize) -> (Stage, CountingDisk) {
    let disk = CountingDisk {
        disk: SimulatedDisk::new(5),
        reads: Arc::default(),
    };
    let settings = godwit_archive::Settings {
        index_fan_in: fan_in,
        ..small()
    };
    let stage = Stage::open_with(settings, Arc::new(disk.clone()), None, None).expect("opens");
    for n in 0..MESSAGES {
        stage.stored(keyed(message(n % 40, [1, 2 + n % 40], vec![0; 4000]), n.into(), 1));
    }
    let files = |stage: &Stage| {
        let names = stage.disk.list().expect("readable");
        names.iter().filter(|name| name.strip_suffix(".idx").is_some()).count()
    };
    // 70 and more segments are one index of 64, at most seven of 8, and at most seven of 1.
    let most = if fan_in > 1 { 1 + 2 * (fan_in - 1) } else { usize::MAX };
    stage.until("indexes are merged", |stage| {
        let segments = stage.archive.segments();
        segments.iter().filter(|segment| !segment.sealed).count() == 1 && files(stage) <= most
    });
    assert!(stage.archive.segments().len() > 70);
    (stage, disk)
}

/// Blocks of a page forward from each of some places, on average.
fn page_reads(stage: &Stage, disk: &CountingDisk) -> u64 {
    let starts = (0..MESSAGES - 50).step_by(61);
    let pages = starts.clone().count() as u64;
    let (reads, ()) = disk.reads(|| {
        for after in starts {
            let query = InboxQuery {
                after: Some(after),
                limit: 10,
                ..page()
            };
            let items = stage.archive.inbox(AccountNo(1), &query).expect("readable");
            assert_eq!(items.first().map(|item| item.seq), Some(after + 1));
        }
    });
    reads / pages
}

#[test]
fn a_page_forward_finds_its_start_with_few_reads_however_far_back_it_is() {
    let (stage, disk) = filled(8);
    let reads = page_reads(&stage, &disk);
    assert!(reads <= 10, "{reads} blocks a page with merged indexes");
    let (stage, disk) = filled(0);
    let reads = page_reads(&stage, &disk);
    assert!(reads <= 18, "{reads} blocks a page with one index a segment");
}

#[test]
fn what_is_new_costs_filter_probes_and_hardly_any_read() {
    let (stage, disk) = filled(8);
    let (reads, ()) = disk.reads(|| {
        for n in 0..1_000 {
            let fresh = keyed(message(1, [1], ""), 1_000_000 + n, 1);
            let key = fresh.duplicate_key.expect("it has one").key;
            assert!(!stage.archive.knows_draft(key).expect("readable"));
        }
    });
    assert!(reads <= 50, "{reads} blocks for 1,000 keys that are new");
    let (reads, ()) = disk.reads(|| {
        for n in 0..1_000 {
            assert_eq!(stage.archive.conversation_head(group(1_000 + n)).expect("readable"), 0);
        }
    });
    assert!(reads <= 50, "{reads} blocks for 1,000 conversations that are new");
    let (reads, ()) = disk.reads(|| {
        for n in 0..40 {
            assert_eq!(
                stage.archive.conversation_head(group(n)).expect("readable"),
                MESSAGES / 40
            );
        }
    });
    assert!(reads <= 50, "{reads} blocks for the heads of 40 conversations");
}
