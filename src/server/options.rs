//! What the configuration says, in the words of the rooms that it is about.
//!
//! It does not know what they do with it.

use std::time::Duration;

use crossbeam_channel::Sender;

use crate::api::{Origins, ShownSetting};
use crate::config::{self, AccessLog, Config, OnJournalError, Settings};
use crate::front::requests::Telling;
use crate::journal::{JournalOptions, Mode};

use super::snapshotter::Schedule;

/// The configuration as `/v1/config` shows it. No option shows a secret: of a key there is only where its file is, of a
/// token its name, its role and its reach.
pub fn shown(settings: &Settings) -> Vec<ShownSetting> {
    let each = settings.settings.iter();
    each.map(|setting| ShownSetting {
        name: setting.option.name,
        json: setting.json.clone(),
        source: setting.origin.to_string(),
    })
    .collect()
}

/// The origins whose pages may read answers; `None` when answers say nothing of it.
pub fn origins(config: &Config) -> Option<Origins> {
    match config.cors_origins.as_slice() {
        [] => None,
        [any] if any == config::ANY_ORIGIN => Some(Origins::Any),
        listed => Some(Origins::Listed(listed.to_vec())),
    }
}

/// What the journal is told. When the server is to end with it, the cause goes into `fail`.
pub fn journal_options(config: &Config, fail: Sender<String>) -> JournalOptions {
    let mode = match config.journal {
        config::Journal::Always => Mode::Always,
        config::Journal::Everysec => Mode::Everysec,
        config::Journal::Os => Mode::Os,
        config::Journal::Off => Mode::Off,
    };
    let on_given_up: Box<dyn Fn(&str) + Send + Sync> = match config.on_journal_error {
        OnJournalError::Degrade => Box::new(|_| {}),
        // One cause is enough; nobody may be there any more to hear it.
        OnJournalError::Exit => Box::new(move |cause| drop(fail.try_send(cause.to_owned()))),
    };
    let segment_bytes = config.journal_segment_bytes as u64;
    JournalOptions { mode, buffer_bytes: config.journal_buffer_bytes, segment_bytes, on_given_up }
}

/// The copies that `config` wants on schedule.
pub fn scheduled(config: &Config) -> Option<Schedule> {
    let (interval, keep) = (config.backup_interval, config.backup_keep);
    config.backup_folder.clone().map(|folder| Schedule { folder, interval, keep })
}

/// Which requests are told in the log.
pub fn telling(config: &Config) -> Telling {
    let slow = Duration::from_millis(config.slow_request_ms as u64);
    Telling { each: config.access_log == AccessLog::On, slow_after: Some(slow).filter(|slow| !slow.is_zero()) }
}
