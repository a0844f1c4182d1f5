//! Rust source read roughly, for the tests that hold the architecture: comments and literals blanked, test modules taken
//! out, tokens, and the paths that they spell. It knows no types, no macros and no re-exports.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// `source` with its comments and the insides of its literals blanked; lines keep their numbers.
pub fn code_of(source: &str) -> String {
    let characters: Vec<char> = source.chars().collect();
    let mut code = String::with_capacity(source.len());
    let mut at = 0;
    while at < characters.len() {
        let end = end_of_blank(&characters, at);
        if end == at {
            code.push(characters[at]);
            at += 1;
        }
        while at < end.min(characters.len()) {
            code.push(if characters[at] == '\n' { '\n' } else { ' ' });
            at += 1;
        }
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none does.
fn end_of_blank(characters: &[char], at: usize) -> usize {
    let is = |offset: usize, wanted: char| characters.get(at + offset) == Some(&wanted);
    let in_word = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == '_');
    match characters[at] {
        '/' if is(1, '/') => at + characters[at..].iter().take_while(|character| **character != '\n').count(),
        '/' if is(1, '*') => end_of_block_comment(characters, at),
        '"' => end_of_string(characters, at + 1),
        'r' if !in_word => end_of_raw_string(characters, at + 1).unwrap_or(at),
        'b' | 'c' if !in_word && is(1, 'r') => end_of_raw_string(characters, at + 2).unwrap_or(at),
        '\'' if is(1, '\\') => {
            at + 3 + characters[at + 3..].iter().take_while(|character| **character != '\'').count() + 1
        }
        '\'' if is(2, '\'') => at + 3,
        _ => at,
    }
}

fn end_of_block_comment(characters: &[char], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    while at + 1 < characters.len() {
        match (characters[at], characters[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') if depth == 1 => return at + 2,
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    characters.len()
}

fn end_of_string(characters: &[char], inside: usize) -> usize {
    let mut at = inside;
    while at < characters.len() && characters[at] != '"' {
        at += if characters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of a raw string whose hashes, if any, begin at `hashes`; `None` when it is no raw string.
fn end_of_raw_string(characters: &[char], hashes: usize) -> Option<usize> {
    let count = characters[hashes..].iter().take_while(|character| **character == '#').count();
    (characters.get(hashes + count) == Some(&'"')).then_some(())?;
    let closing: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', count)).collect();
    let inside = hashes + count + 1;
    let length = characters[inside..].windows(closing.len()).position(|window| window == closing);
    Some(length.map_or(characters.len(), |length| inside + length + closing.len()))
}

/// Code without its tests.
pub struct Untested {
    /// The code with its `#[cfg(test)]` items blanked; lines keep their numbers.
    pub code: String,
    /// Lines that were blanked.
    pub test_lines: usize,
    /// Modules among those items that are files of their own: their names, and the lines of the item, from 0.
    modules: Vec<(String, Range<usize>)>,
}

/// Takes the tests out of `code`, which `code_of` has cleaned.
pub fn without_tests(code: &str) -> Untested {
    const MARK: &str = "#[cfg(test)]";
    let mut untested = Untested { code: String::new(), test_lines: 0, modules: Vec::new() };
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        untested.code.push_str(&rest[..start]);
        let item = &rest[start..];
        let body = item[MARK.len()..].find(['{', ';']).map_or(item.len(), |offset| MARK.len() + offset);
        let end =
            if item[body..].starts_with('{') { body + end_of_block(&item[body..]) } else { (body + 1).min(item.len()) };
        let item = &item[..end];
        let lines = item.lines().count();
        let last_line = item.lines().last().and_then(|line| line.strip_suffix(';'));
        if let Some((_, name)) = last_line.and_then(|line| line.rsplit_once("mod ")) {
            let first = untested.code.matches('\n').count();
            untested.modules.push((name.to_owned(), first..first + lines));
        }
        untested.test_lines += lines;
        untested.code.extend(item.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        rest = &rest[start + end..];
    }
    untested.code.push_str(rest);
    untested
}

/// The files that the file `path` with the text `source` has compiled for tests alone.
pub fn test_files(path: &str, source: &str) -> Vec<PathBuf> {
    let here = Path::new(path);
    let beside = here.parent().unwrap_or(Path::new("")).to_owned();
    let below = if here.ends_with("mod.rs") { beside.clone() } else { here.with_extension("") };
    let file = |(name, lines): (String, Range<usize>)| {
        let mut attributes = source.lines().skip(lines.start).take(lines.len());
        let named = attributes.find_map(|line| line.trim().strip_prefix("#[path = \"")?.strip_suffix("\"]"));
        named.map_or_else(|| below.join(name).with_extension("rs"), |named| beside.join(named))
    };
    without_tests(&code_of(source)).modules.into_iter().map(file).collect()
}

/// The length of the block that `code` begins with, braces included.
fn end_of_block(code: &str) -> usize {
    let mut depth = 0_usize;
    for (offset, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return offset + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// A word, `::`, or any other character that is no space.
#[derive(Clone, Copy)]
pub struct Token<'a> {
    pub text: &'a str,
    pub line: usize,
    /// Whether it follows the token before it without a space.
    glued: bool,
    /// Inline modules around it.
    pub modules: usize,
}

/// The tokens of `code`, which `code_of` has cleaned.
pub fn tokens(code: &str) -> Vec<Token<'_>> {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let mut tokens: Vec<Token<'_>> = Vec::new();
    // Of each open brace, whether it is a module's.
    let mut braces: Vec<bool> = Vec::new();
    let (mut line, mut glued) = (1, false);
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if is_word(first) => rest.find(|character| !is_word(character)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (text, behind) = rest.split_at(length);
        rest = behind;
        match first {
            '\n' => line += 1,
            '{' => braces.push(tokens.len() >= 2 && tokens[tokens.len() - 2].text == "mod"),
            '}' => drop(braces.pop()),
            _ => {}
        }
        let is_space = first.is_whitespace();
        if !is_space {
            tokens.push(Token { text, line, glued, modules: braces.iter().filter(|is_module| **is_module).count() });
        }
        glued = !is_space;
    }
    tokens
}

/// A path, and where it begins.
pub struct Named<'a> {
    pub segments: Vec<&'a str>,
    pub first: Token<'a>,
}

/// Every path that is written in `tokens`, groups of imports multiplied out. Parts of groups appear once more alone.
pub fn paths<'a>(tokens: &[Token<'a>]) -> Vec<Named<'a>> {
    let mut paths = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if is_name(token.text) && !is_inner(tokens, at) {
            let mut found = Vec::new();
            collect_paths(tokens, at, &[], &mut found);
            paths.extend(found.into_iter().map(|segments| Named { segments, first: *token }));
        }
    }
    paths
}

/// Whether the name at `at` goes on with a path or a value before it. `::std` at the start of a path does not.
fn is_inner(tokens: &[Token<'_>], at: usize) -> bool {
    let before = |steps: usize| at.checked_sub(steps).map_or("", |at| tokens[at].text);
    match before(1) {
        "." => true,
        "::" => tokens[at - 1].glued && (is_name(before(2)) || before(2) == ">"),
        _ => false,
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|character: char| character.is_alphabetic() || character == '_')
}

/// Adds the paths of the tree at `at` under `prefix`; returns the token behind it.
fn collect_paths<'a>(tokens: &[Token<'a>], at: usize, prefix: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    if text(at) == "{" {
        let mut next = at + 1;
        while next < tokens.len() && text(next) != "}" {
            next = collect_paths(tokens, next, prefix, found).max(next + 1);
        }
        return next + 1;
    }
    if !is_name(text(at)) && text(at) != "*" {
        return at;
    }
    let path = [prefix, &[text(at)]].concat();
    let goes_on = text(at + 1) == "::" && (is_name(text(at + 2)) || matches!(text(at + 2), "{" | "*"));
    if goes_on {
        return collect_paths(tokens, at + 2, &path, found);
    }
    found.push(path);
    at + 1
}
