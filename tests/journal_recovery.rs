//! What a start makes of a folder with a journal: one test for each row of the table in `persist::plan`, on files that
//! were written by the code that writes them; the number is in the name.

#[path = "journal_recovery/deeds.rs"]
mod deeds;
#[path = "journal_recovery/folders.rs"]
mod folders;
#[path = "recovery/mod.rs"]
mod recovery;
#[path = "journal_recovery/rows_13_to_15.rs"]
mod rows_13_to_15;
#[path = "journal_recovery/rows_17_and_18.rs"]
mod rows_17_and_18;
#[path = "journal_recovery/rows_1_to_7.rs"]
mod rows_1_to_7;
#[path = "journal_recovery/rows_of_damage.rs"]
mod rows_of_damage;
#[path = "support/sim_disk.rs"]
mod sim_disk;
