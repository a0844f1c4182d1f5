//! Bytes as the examples in `FORMAT.md` show them.

/// Sixteen bytes a line: offset, bytes.
pub fn dump(bytes: &[u8]) -> String {
    let hex = |line: &[u8]| line.iter().map(|byte| format!(" {byte:02x}")).collect::<String>();
    let lines = bytes.chunks(16).enumerate().map(|(index, line)| format!("{:04x} {}", index * 16, hex(line)));
    lines.collect::<Vec<_>>().join("\n")
}
