//! The simulated disk is as treacherous as it says: what the other tests prove rests on it.

#[path = "support/sim_disk.rs"]
mod sim_disk;

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::path::Path;

use memory_tools::base::disk::{Disk, DiskFile};
use sim_disk::{Fault, SYNCS, SimDisk};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// A disk with the durable file `d/file`, which holds `content`, opened to change.
fn disk_with(content: &[u8]) -> (SimDisk, Box<dyn DiskFile>) {
    let disk = SimDisk::new(7);
    disk.place(Path::new("d/file"), content);
    let file = disk.open_to_change(Path::new("d/file")).unwrap();
    (disk, file)
}

fn content(disk: &SimDisk) -> Vec<u8> {
    disk.content(Path::new("d/file")).unwrap()
}

fn write(file: &dyn DiskFile, bytes: &[u8], offset: u64) {
    file.write_all_at(&[IoSlice::new(bytes)], offset).unwrap();
}

#[test]
fn after_a_loss_of_power_each_unsynced_sector_is_old_or_new_and_the_rest_is_what_was_synced() {
    let mut seen = BTreeSet::new();
    for seed in 0..400 {
        let (disk, file) = disk_with(&[b'o'; 2048]);
        write(&*file, &[b's'; 512], 0);
        file.sync_data().unwrap();
        write(&*file, &[b'n'; 1024], 512);
        disk.lose_power(seed);
        let kept = content(&disk);
        assert_eq!((&kept[..512], &kept[1536..]), (&[b's'; 512][..], &[b'o'; 512][..]), "seed {seed}");
        for sector in kept[512..1536].chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "seed {seed}: a torn sector");
        }
        seen.insert((kept[512], kept[1024]));
    }
    let all = [(b'n', b'n'), (b'n', b'o'), (b'o', b'n'), (b'o', b'o')];
    assert_eq!(seen, BTreeSet::from(all), "every combination was kept once");
}

#[test]
fn after_a_loss_of_power_an_unsynced_length_is_old_or_new_or_between_and_its_holes_are_zeros() {
    let mut lengths = BTreeSet::new();
    for seed in 0..200 {
        let (disk, file) = disk_with(b"old");
        write(&*file, &[b'n'; 2000], 3);
        disk.lose_power(seed);
        let kept = content(&disk);
        assert!(kept.starts_with(b"old") && kept.len() <= 2003, "seed {seed}");
        assert!(kept[3..].iter().all(|byte| matches!(byte, b'n' | 0)), "seed {seed}");
        lengths.insert(kept.len());
    }
    assert!(lengths.contains(&3) && lengths.contains(&2003) && lengths.len() > 10, "{lengths:?}");
}

#[test]
fn a_cut_and_what_grows_behind_it_are_durable_once_synced() {
    for seed in 0..50 {
        let (disk, file) = disk_with(b"0123456789");
        file.set_bytes(4).unwrap();
        write(&*file, b"x", 6);
        file.sync_data().unwrap();
        disk.lose_power(seed);
        assert_eq!(content(&disk), b"0123\0\0x", "seed {seed}");
    }
}

#[test]
fn what_a_lost_sync_let_go_of_is_seen_until_the_power_is_lost_and_no_later_sync_brings_it_back() {
    for seed in 0..50 {
        let (disk, file) = disk_with(b"durable");
        write(&*file, b"DUR", 0);
        disk.plant(0, Fault::LostSync);
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(EIO));
        assert_eq!(content(&disk), b"DURable");
        file.sync_data().unwrap();
        disk.lose_power(seed);
        assert_eq!(content(&disk), b"durable", "seed {seed}");
    }
}

#[test]
fn a_short_write_says_what_it_took_and_write_all_at_goes_on() {
    let (disk, file) = disk_with(b"");
    disk.plant(0, Fault::Short);
    let taken = file.write_at(&[IoSlice::new(b"abc"), IoSlice::new(b"def")], 0).unwrap();
    assert!(taken > 0 && taken < 6, "{taken}");
    assert_eq!(content(&disk), b"abcdef"[..taken]);
    disk.plant(0, Fault::Short);
    file.write_all_at(&[IoSlice::new(b"abc"), IoSlice::new(b""), IoSlice::new(b"def")], 1).unwrap();
    assert_eq!((&content(&disk)[1..], disk.struck()), (&b"abcdef"[..], Some("write_at")));
}

#[test]
fn a_full_disk_takes_what_fits_then_nothing_until_something_is_removed() {
    let (disk, mut file) = disk_with(b"0123");
    disk.place(Path::new("d/other"), b"four");
    disk.leave_free(3);
    assert_eq!(disk.free_bytes(Path::new("d")).unwrap(), 3);
    assert_eq!(file.write_at(&[IoSlice::new(b"abcdefgh")], 2).unwrap(), 5, "two over what is there, three behind");
    assert_eq!(file.write_at(&[IoSlice::new(b"x")], 7).unwrap_err().raw_os_error(), Some(ENOSPC));
    assert_eq!(file.write_all_at(&[IoSlice::new(b"yz")], 6).unwrap_err().raw_os_error(), Some(ENOSPC));
    assert_eq!(content(&disk), b"01abcdy");
    disk.remove(Path::new("d/other")).unwrap();
    assert_eq!(disk.free_bytes(Path::new("d")).unwrap(), 4);
    file.write_all(b"0123456789A").unwrap();
    assert_eq!(file.write_all(b"B").unwrap_err().raw_os_error(), Some(ENOSPC));
    disk.mend();
    file.write_all(b"B").unwrap();
    assert_eq!(content(&disk), b"0123456789AB");
}

#[test]
fn a_broken_call_fails_until_the_disk_is_mended_and_a_read_only_disk_can_still_be_read() {
    let (disk, file) = disk_with(b"0123");
    disk.break_calls(SYNCS, EIO);
    write(&*file, b"abcd", 0);
    for _ in 0..2 {
        assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(EIO));
    }
    disk.make_read_only();
    assert_eq!(file.write_at(&[IoSlice::new(b"x")], 0).unwrap_err().raw_os_error(), Some(EROFS));
    assert_eq!(disk.remove(Path::new("d/file")).unwrap_err().raw_os_error(), Some(EROFS));
    let mut into = [0; 4];
    disk.open(Path::new("d/file")).unwrap().read_exact_at(&mut into, 0).unwrap();
    assert_eq!(&into, b"abcd");
    disk.mend();
    file.sync_all().unwrap();
    disk.lose_power(1);
    assert_eq!(content(&disk), b"abcd");
}
