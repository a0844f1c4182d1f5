//! What there is to say of each command.

use super::page::Page;

/// How the exit codes of the commands that look at files or at a configuration read.
const DONE: (u8, &str) = (0, "done");
const FAILED: (u8, &str) = (1, "failed");
const USAGE: (u8, &str) = (2, "command line or configuration");
const DAMAGED: (u8, &str) = (3, "damaged data");

/// And those of the commands that speak to a server.
const NOT_FOUND: (u8, &str) = (1, "not found");
const COMMAND_LINE: (u8, &str) = (2, "command line");
const REFUSED: (u8, &str) = (3, "refused");
const NO_ANSWER: (u8, &str) = (4, "no answer");
const NO_ANSWER_TO_A_WRITE: (u8, &str) = (4, "no answer: a write may have been carried out");

const OPTIONS: &str = "MEMORY_TOOLS_PORT and so on, for each option";
const NONE: &str = "none";
const URL: &str = "MEMORY_TOOLS_URL and _TOKEN, the server and what to present";

const URL_FLAG: (&str, &str) = ("--url URL", "the server, http://127.0.0.1:8080 unless given");
const TOKEN_FLAG: (&str, &str) = ("--token-file FILE", "present the token in its first line");
const COLLECTION_FLAG: (&str, &str) = ("--collection C", "in this collection; else in the main store");
const IF_MATCH_FLAG: (&str, &str) = ("--if-match VERSION", "only if it has this version; * for any");
const TTL_FLAG: (&str, &str) = ("--ttl 30s", "how long it lives: seconds, 500ms, 1h30m, never");

const BODY: &str = "Without JSON or @FILE the body is read from standard input. What begins with a\n\
                    dash stands behind --, as in: memory-tools put key -- -1";

/// The page of each command.
pub const PAGES: &[Page] = &[
    Page {
        command: "serve",
        summary: "serve documents over HTTP; what happens without a command",
        usage: &["[serve] [--config PATH] [--import-skip] [OPTION...]", "--print-config [--config PATH] [OPTION...]"],
        about: "memory-tools --help lists the options. Later sources win: defaults, then the\n\
                file, then the environment, then flags.",
        flags: &[
            ("--config PATH", "the file, ./config.json unless given"),
            ("--import-skip", "leave out what cannot be imported of the Go server's files"),
            ("--print-config", "show every option with its value and its source, and end"),
        ],
        examples: &["memory-tools", "memory-tools --port :9000 --data-dir /var/lib/memory-tools --journal always"],
        exits: &[(0, "stopped cleanly"), FAILED, USAGE, DAMAGED],
        environment: OPTIONS,
    },
    Page {
        command: "check-config",
        summary: "say whether the configuration is valid",
        usage: &["check-config [--config PATH] [OPTION...]"],
        about: "Looks at file, environment and flags, and at the certificate and the tokens\n\
                that they name.",
        flags: &[("--config PATH", "the file, ./config.json unless given")],
        examples: &["memory-tools check-config --config new.json && mv new.json config.json"],
        exits: &[(0, "valid"), USAGE],
        environment: OPTIONS,
    },
    Page {
        command: "health",
        summary: "ask the configured server whether it is ready",
        usage: &["health [--config PATH] [OPTION...]"],
        about: "Takes the server's own configuration, and ends within 3 seconds.",
        flags: &[("--config PATH", "the file, ./config.json unless given")],
        examples: &["memory-tools health --port :9000 || echo 'not ready'"],
        exits: &[(0, "ready"), (1, "not ready"), USAGE],
        environment: OPTIONS,
    },
    Page {
        command: "doctor",
        summary: "look at the machine that a server is to run on",
        usage: &["doctor [--config PATH] [OPTION...]"],
        about: "A line for each thing: ok, warn or bad, the figure, why it matters, and what\n\
                changes it. The limits are those of the server on the data folder, where one\n\
                runs. It writes a scratch file to the data folder, and removes it.",
        flags: &[("--config PATH", "the file, ./config.json unless given")],
        examples: &[
            "memory-tools doctor --config /etc/memory-tools/config.json",
            "memory-tools doctor --data-dir /var/lib/memory-tools | grep -v ^ok",
        ],
        exits: &[(0, "nothing is bad"), (1, "something is"), USAGE],
        environment: OPTIONS,
    },
    Page {
        command: "man",
        summary: "show the manual page, for man",
        usage: &["man"],
        about: "Packages install it as memory-tools.1.",
        flags: &[],
        examples: &["memory-tools man | man -l -"],
        exits: &[DONE, COMMAND_LINE],
        environment: NONE,
    },
    Page {
        command: "completions",
        summary: "show what a shell reads to complete commands and flags",
        usage: &["completions bash | zsh | fish"],
        about: "Packages install it where the shell looks for it.",
        flags: &[],
        examples: &[
            "memory-tools completions bash > /etc/bash_completion.d/memory-tools",
            "memory-tools completions fish > ~/.config/fish/completions/memory-tools.fish",
        ],
        exits: &[DONE, COMMAND_LINE],
        environment: NONE,
    },
    Page {
        command: "token",
        summary: "make a token, and the line by which a server knows it",
        usage: &["token new --role ROLE [FLAG...]"],
        about: "The token is shown this once. The line goes into the server's tokens_file.",
        flags: &[
            ("--role ROLE", "read, write or admin; each holds those before it"),
            ("--name N", "what it is called in logs; else by its role and eight digits"),
            ("--collection C", "it reaches into this collection alone"),
            ("--main-store", "it reaches into the main store alone"),
            ("--prefix P", "it reaches only keys that begin so"),
        ],
        examples: &["memory-tools token new --role write --name app --prefix user:"],
        exits: &[DONE, FAILED, COMMAND_LINE],
        environment: NONE,
    },
    Page {
        command: "check",
        summary: "say what a data folder or a file holds and if it is sound",
        usage: &["check PATH"],
        about: "Changes nothing, and may be run beside a server.",
        flags: &[],
        examples: &["memory-tools check ./data", "memory-tools check ./data/database.mtdb"],
        exits: &[(0, "sound"), FAILED, COMMAND_LINE, DAMAGED],
        environment: NONE,
    },
    Page {
        command: "dump",
        summary: "show everything that a start would load, as export does",
        usage: &["dump FOLDER"],
        about: "Changes nothing, and may be run beside a server. An import takes the lines.",
        flags: &[],
        examples: &["memory-tools dump ./data | wc -l", "memory-tools dump ./data | memory-tools import -"],
        exits: &[DONE, FAILED, COMMAND_LINE, DAMAGED],
        environment: NONE,
    },
    Page {
        command: "repair",
        summary: "make a data folder sound that a start refuses",
        usage: &["repair FOLDER [--drop-after-damage]"],
        about: "What loses nothing it does. What would lose something it says, and does when it\n\
                is told to. Whatever it changes has a copy in FOLDER/quarantine first.",
        flags: &[("--drop-after-damage", "give up what lies behind the damage")],
        examples: &["memory-tools repair ./data", "memory-tools repair ./data --drop-after-damage"],
        exits: &[DONE, FAILED, COMMAND_LINE, DAMAGED],
        environment: NONE,
    },
    Page {
        command: "restore",
        summary: "make a data folder of a backup",
        usage: &["restore FILE --data-dir DIR [--force]"],
        about: "DIR is empty or not there yet, and no server runs on it. What comes of it is a\n\
                database of its own, which issues no version that the old one has issued since;\n\
                whoever follows the changes of the old one is told 410 and begins anew.",
        flags: &[
            ("--data-dir DIR", "the folder"),
            ("--force", "move what is in DIR to DIR/before-restore-..., if there is any"),
        ],
        examples: &[
            "memory-tools restore monday.mtdb --data-dir ./data",
            "memory-tools restore monday.mtdb --data-dir /var/lib/memory-tools --force",
        ],
        exits: &[DONE, FAILED, COMMAND_LINE, DAMAGED],
        environment: NONE,
    },
    Page {
        command: "get",
        summary: "show a document, byte for byte",
        usage: &["get KEY [--ptr /a/0] [--head] [--collection C] [--url URL]"],
        about: "",
        flags: &[
            ("--ptr /a/0", "only the value at this JSON pointer (RFC 6901)"),
            ("--head", "version, deadline and size as JSON, not the document"),
            COLLECTION_FLAG,
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &[
            "memory-tools get user:1",
            "memory-tools get user:1 --ptr /name",
            "memory-tools get user:1 --head | jq .version",
        ],
        exits: &[DONE, NOT_FOUND, COMMAND_LINE, REFUSED, NO_ANSWER],
        environment: URL,
    },
    Page {
        command: "put",
        summary: "write a document",
        usage: &["put KEY [JSON | @FILE] [FLAG...]"],
        about: BODY,
        flags: &[
            TTL_FLAG,
            ("--create", "only if there is none yet"),
            IF_MATCH_FLAG,
            COLLECTION_FLAG,
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &[
            "memory-tools put user:1 '{\"name\":\"Ada\"}'",
            "memory-tools put lock:1 '\"me\"' --create --ttl 30s || echo 'somebody has it'",
            "memory-tools put session:1 @session.json --ttl 30s --collection sessions",
        ],
        exits: &[DONE, NOT_FOUND, COMMAND_LINE, REFUSED, NO_ANSWER_TO_A_WRITE],
        environment: URL,
    },
    Page {
        command: "patch",
        summary: "change a document, all of the patch or nothing",
        usage: &["patch KEY [JSON | @FILE] [--type TYPE] [FLAG...]"],
        about: BODY,
        flags: &[
            ("--type TYPE", "merge (RFC 7396, as if not given), json (RFC 6902), ops"),
            TTL_FLAG,
            IF_MATCH_FLAG,
            COLLECTION_FLAG,
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &[
            "memory-tools patch user:1 '{\"name\":\"Grace\"}'",
            "memory-tools patch hits '[{\"op\":\"inc\",\"path\":\"/n\",\"value\":1}]' --type ops",
        ],
        exits: &[DONE, NOT_FOUND, COMMAND_LINE, REFUSED, NO_ANSWER_TO_A_WRITE],
        environment: URL,
    },
    Page {
        command: "del",
        summary: "remove a document",
        usage: &["del KEY [--if-match VERSION] [--collection C] [--url URL]"],
        about: "",
        flags: &[IF_MATCH_FLAG, COLLECTION_FLAG, URL_FLAG, TOKEN_FLAG],
        examples: &["memory-tools del user:1", "memory-tools del user:1 --if-match 7 || echo 'gone, or changed since'"],
        exits: &[DONE, NOT_FOUND, COMMAND_LINE, REFUSED, NO_ANSWER_TO_A_WRITE],
        environment: URL,
    },
    Page {
        command: "ls",
        summary: "show the keys, a line each, in byte order",
        usage: &["ls [PREFIX] [--long] [--collection C] [--url URL]"],
        about: "A key that holds a control character or begins with a quote is written as JSON.",
        flags: &[
            ("--long", "version, deadline or never, and key, with tabs between"),
            COLLECTION_FLAG,
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &["memory-tools ls", "memory-tools ls user: | while read -r key; do memory-tools get \"$key\"; done"],
        exits: &[DONE, NOT_FOUND, COMMAND_LINE, REFUSED, NO_ANSWER],
        environment: URL,
    },
    Page {
        command: "watch",
        summary: "show every change as it comes, a line each",
        usage: &["watch [--prefix P] [--since LSN] [--json] [FLAG...]"],
        about: "A line is LSN, operation, key and collection with tabs between, keys as in ls.\n\
                It ends at Ctrl-C, and when nobody reads. A lost connection is tried again, and\n\
                the changes go on where they were; when they are not kept any more, it is a 3.",
        flags: &[
            ("--prefix P", "only keys that begin with P"),
            ("--collection C", "only in this collection; \"\" is the documents of none"),
            ("--since LSN", "behind this change; else from now on"),
            ("--json", "the lines as the server sends them"),
            ("--values", "with the documents"),
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &["memory-tools watch --prefix user:", "memory-tools watch --since 0 --json --values | jq ."],
        exits: &[DONE, FAILED, COMMAND_LINE, REFUSED, NO_ANSWER],
        environment: URL,
    },
    Page {
        command: "top",
        summary: "show how the server fares, anew every second",
        usage: &["top [--interval 1s] [--once | --count N] [FLAG...]"],
        about: "On a terminal in place, until q or Ctrl-C; elsewhere, and with --once or\n\
                --count, a block of lines for each interval. Rates, p50 and p99 are those of the\n\
                interval; - is what the server does not say; lag is writes not durable yet. A\n\
                server that is gone is said to be, and asked again.",
        flags: &[
            ("--interval 1s", "from one look to the next, 100ms to 1h"),
            ("--once", "one block, of one interval, and end"),
            ("--count N", "so many blocks, and end"),
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &["memory-tools top", "memory-tools top --interval 10s --count 360 >> top.log"],
        exits: &[DONE, FAILED, COMMAND_LINE, REFUSED, NO_ANSWER],
        environment: URL,
    },
    Page {
        command: "export",
        summary: "write every document as a line, into a file or a pipe",
        usage: &["export [-o FILE] [--collection C] [--continue] [FLAG...]"],
        about: "FILE has its name once it is whole; until then it is FILE.partial. It is no\n\
                snapshot: what is written meanwhile is in it or not. A lost connection is tried\n\
                again, and the lines go on where they were.",
        flags: &[
            ("-o, --output FILE", "where to; - is standard output, as when it is left out"),
            ("--collection C", "only this collection; \"\" is the documents of none"),
            ("--continue", "go on with the FILE.partial of a run that did not end"),
            ("--quiet", "say neither how far it is nor how much it was"),
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &["memory-tools export -o all.ndjson", "memory-tools export --quiet | gzip > all.ndjson.gz"],
        exits: &[DONE, FAILED, COMMAND_LINE, REFUSED, NO_ANSWER],
        environment: URL,
    },
    Page {
        command: "import",
        summary: "take the lines of an export",
        usage: &["import FILE | - [--mode MODE] [--quiet] [--url URL]"],
        about: "Documents get new versions and keep their deadlines. A line that is not taken\n\
                ends it, and is named. It can be run again: it writes the same documents.",
        flags: &[
            ("--mode MODE", "merge keeps what is not in the file; replace drops it"),
            ("--quiet", "say neither how far it is nor how much it was"),
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &["memory-tools import all.ndjson", "zcat all.ndjson.gz | memory-tools import -"],
        exits: &[DONE, COMMAND_LINE, REFUSED, NO_ANSWER_TO_A_WRITE],
        environment: URL,
    },
    Page {
        command: "backup",
        summary: "write everything as it is at one moment into a file",
        usage: &["backup --to FILE | - [--force] [--quiet] [--url URL]"],
        about: "FILE is complete in itself, with versions and deadlines; restore makes a data\n\
                folder of it, and check reads it. It has its name once every checksum in it\n\
                holds. The server goes on meanwhile. It needs the role admin.",
        flags: &[
            ("--to FILE", "where to; - is standard output, and is not verified"),
            ("--force", "replace a file of that name"),
            ("--quiet", "say neither how far it is nor how much it was"),
            URL_FLAG,
            TOKEN_FLAG,
        ],
        examples: &["memory-tools backup --to monday.mtdb", "memory-tools backup --to - | age -r KEY > monday.age"],
        exits: &[DONE, FAILED, COMMAND_LINE, REFUSED, NO_ANSWER],
        environment: URL,
    },
];
