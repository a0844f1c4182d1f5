//! A request as a front hands it on, and how its body comes.

use memory_tools::api::message::{BodyFault, Headers};

/// How a body ends that comes bit by bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Whole.
    Well,
    /// The peer goes away in front of its end.
    BrokenOff,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The method's name.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Header fields.
    pub fields: Vec<(&'a str, &'a str)>,
    /// The body.
    pub body: &'a [u8],
    /// In parts of how many bytes the body comes, over and over again; none: it is here with the head.
    pub part_sizes: Vec<usize>,
    /// True when the length of the body is announced.
    pub is_measured: bool,
    /// How the body ends, if it comes in parts.
    pub end: End,
}

impl<'a> Asked<'a> {
    /// A request whose body is here.
    pub fn new(method: &'a str, target: &'a str, body: &'a [u8]) -> Asked<'a> {
        let (part_sizes, end) = (Vec::new(), End::Well);
        Asked { method, target, fields: Vec::new(), body, part_sizes, is_measured: true, end }
    }

    /// The parts in which the body comes.
    pub fn parts(&self) -> Vec<&'a [u8]> {
        let mut sizes = self.part_sizes.iter().cycle();
        let (mut parts, mut rest) = (Vec::new(), self.body);
        while !rest.is_empty() {
            let size = sizes.next().map_or(rest.len(), |size| rest.len().min(1.max(*size)));
            let (part, behind) = rest.split_at(size);
            parts.push(part);
            rest = behind;
        }
        parts
    }

    /// The length that is announced: of a body that is broken off, a byte more than comes.
    pub fn length(&self) -> Option<u64> {
        let missing = u64::from(self.end == End::BrokenOff);
        self.is_measured.then_some(self.body.len() as u64 + missing)
    }

    /// What becomes of the body.
    pub fn outcome(&self) -> Result<(), BodyFault> {
        let bytes = self.body.len() as u64;
        match self.end {
            End::Well => Ok(()),
            End::BrokenOff => Err(BodyFault::Incomplete { bytes, length: self.length() }),
        }
    }
}

impl Headers for Asked<'_> {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name)).for_each(|(_, value)| each(value));
    }
}
