//! A drawing as SVG text: shapes and words by class, coloured by a style sheet within the drawing.
//!
//! The style sheet has every colour twice, for light and for dark, and the drawing has a ground of its own, so that it
//! can be read wherever it is shown. Invariant: whatever is drawn, the text is well-formed XML and names no other file.
//! A drawing does not know what its shapes stand for.

/// A place: to the right and down, in pixels.
pub type Point = (f64, f64);

/// Width of every drawing.
pub const WIDTH: f64 = 760.0;

/// Distance of everything from the edges.
pub const MARGIN: f64 = 24.0;

/// Letters that surely fit between the margins, and how wide one of them is at most on the average.
const LETTERS_MAX: usize = 100;
const LETTER: f64 = 7.4;

/// A colour by its class.
struct Colour {
    class: &'static str,
    light: &'static str,
    dark: &'static str,
}

const fn colour(class: &'static str, light: &'static str, dark: &'static str) -> Colour {
    Colour { class, light, dark }
}

/// What everything else is seen against, and the lines behind the data.
const BEHIND: &[Colour] = &[colour("ground", "#ffffff", "#0d1117"), colour("grid", "#d1d9e0", "#3d444d")];

/// What is read.
const WORDS: &[Colour] = &[
    colour("ink", "#1f2328", "#f0f6fc"),
    colour("soft", "#59636e", "#9198a1"),
    colour("promise", "#cf222e", "#ff7b72"),
];

/// Whose figures they are; a figure is told apart by its place or its mark as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Memory Tools.
    Ours,
    /// nginx.
    Nginx,
    /// Redis.
    Redis,
    /// webdis.
    Webdis,
    /// What is only there to compare with.
    Plain,
}

impl Tone {
    const ALL: [Tone; 5] = [Tone::Ours, Tone::Nginx, Tone::Redis, Tone::Webdis, Tone::Plain];

    /// Its class in the style sheet.
    pub fn class(self) -> &'static str {
        self.colour().class
    }

    fn colour(self) -> Colour {
        match self {
            Tone::Ours => colour("ours", "#0969da", "#4493f8"),
            Tone::Nginx => colour("nginx", "#8250df", "#ab7df8"),
            Tone::Redis => colour("redis", "#bc4c00", "#f0883e"),
            Tone::Webdis => colour("webdis", "#0f766e", "#2dd4bf"),
            Tone::Plain => colour("plain", "#6e7781", "#8b949e"),
        }
    }
}

/// Which end of the words stands at their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// They begin there.
    Start,
    /// Their middle is there.
    Middle,
    /// They end there.
    End,
}

/// What stands for a value on a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A disc.
    Disc,
    /// A square.
    Square,
    /// A triangle.
    Triangle,
    /// Nothing: the values are too many.
    None,
}

/// Shapes and words, in the order in which they cover each other.
#[derive(Debug)]
pub struct Drawing {
    title: String,
    shapes: String,
}

impl Drawing {
    /// An empty one, which those who cannot see it are told the title of.
    pub fn new(title: &str) -> Drawing {
        Drawing { title: escaped(title), shapes: String::new() }
    }

    /// Writes `words` on one line.
    pub fn words(&mut self, (x, y): Point, anchor: Anchor, class: &str, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let (x, y, words) = (pixels(x), pixels(y), escaped(words));
        self.push(&format!("<text x=\"{x}\" y=\"{y}\"{anchor} class=\"{class}\">{words}</text>"));
    }

    /// Draws a straight line.
    pub fn line(&mut self, from: Point, to: Point, class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(pixels);
        self.push(&format!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" class=\"line {class}\"/>"));
    }

    /// Draws a filled rectangle from its upper left corner on; `told` is read by whoever points at it.
    pub fn rectangle(&mut self, (x, y): Point, (width, height): Point, class: &str, told: &str) {
        let [x, y, width, height] = [x, y, width, height].map(pixels);
        let told = escaped(told);
        self.push(&format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" class=\"{class}\"><title>{told}</title></rect>"
        ));
    }

    /// Joins `points` by straight lines.
    pub fn path(&mut self, points: &[Point], class: &str) {
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", pixels(x), pixels(y))).collect();
        self.push(&format!("<polyline points=\"{}\" class=\"line {class}\"/>", points.join(" ")));
    }

    /// Puts a mark on a place; `told` is read by whoever points at it.
    pub fn mark(&mut self, (x, y): Point, mark: Mark, class: &str, told: &str) {
        let at = |dx: f64, dy: f64| format!("{},{}", pixels(x + dx), pixels(y + dy));
        let corners = |places: &[Point]| {
            let places: Vec<String> = places.iter().map(|&(dx, dy)| at(dx, dy)).collect();
            format!("<polygon points=\"{}\"", places.join(" "))
        };
        let shape = match mark {
            Mark::None => return,
            Mark::Disc => format!("<circle cx=\"{}\" cy=\"{}\" r=\"4\"", pixels(x), pixels(y)),
            Mark::Square => corners(&[(-3.5, -3.5), (3.5, -3.5), (3.5, 3.5), (-3.5, 3.5)]),
            Mark::Triangle => corners(&[(0.0, -5.0), (4.5, 3.5), (-4.5, 3.5)]),
        };
        let end = shape.get(1..).and_then(|shape| shape.split(' ').next()).unwrap_or_default();
        let told = escaped(told);
        self.push(&format!("{shape} class=\"{class}\"><title>{told}</title></{end}>"));
    }

    /// The whole file, for a drawing of this height.
    pub fn finish(self, height: f64) -> String {
        let Drawing { title, shapes } = self;
        let (width, height, style) = (pixels(WIDTH), pixels(height), style());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n<style>\n{style}</style>\n\
             <rect width=\"{width}\" height=\"{height}\" rx=\"6\" class=\"ground\"/>\n{shapes}</svg>\n"
        )
    }

    fn push(&mut self, shape: &str) {
        self.shapes.push_str(shape);
        self.shapes.push('\n');
    }
}

/// How wide `words` are at most.
pub fn width_of(words: &str) -> f64 {
    words.chars().count() as f64 * LETTER
}

/// `words` in lines that fit into the drawing, broken where there is a space.
pub fn lines_of(words: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LETTERS_MAX => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A tenth of a pixel is all that is seen.
fn pixels(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// `text` as XML has it between tags and in attributes; what XML has no place for is replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(character),
            character if character < ' ' || matches!(character, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// The style sheet: shapes first, then the colours for light, then those for dark.
fn style() -> String {
    let colours = |pick: fn(&Colour) -> &'static str| {
        let tones = Tone::ALL.map(Tone::colour);
        let all = BEHIND.iter().chain(WORDS).chain(&tones);
        all.map(|one| format!(".{0}{{fill:{1}}}.line.{0}{{fill:none;stroke:{1}}}\n", one.class, pick(one)))
            .collect::<String>()
    };
    format!(
        "text{{font:13px system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif;stroke-width:4px;paint-order:stroke}}\n\
         .title{{font-size:17px;font-weight:600}}.small{{font-size:11px}}\n\
         .line{{stroke-width:2;stroke-linejoin:round}}.thin,.grid{{stroke-width:1}}\n\
         .dashed{{stroke-dasharray:7 4}}.dotted{{stroke-dasharray:2 3}}.promise{{stroke-dasharray:4 3}}\n\
         {}@media (prefers-color-scheme: dark){{\n{}}}\n",
        colours(|colour| colour.light),
        colours(|colour| colour.dark),
    )
}

/// All words of the file of a drawing, one space between lines.
#[cfg(test)]
pub fn words_in(file: &str) -> String {
    let words = file.lines().filter(|line| line.starts_with("<text"));
    let words = words.map(|line| line.split(['>', '<']).nth(2).unwrap());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance by WCAG 2.
    fn luminance(colour: &str) -> f64 {
        let part = |from: usize| {
            let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn words_can_be_read_and_shapes_be_seen_in_light_and_dark() {
        let check = |colour: &Colour, least: f64| {
            let ground = &BEHIND[0];
            for (what, ground) in [(colour.light, ground.light), (colour.dark, ground.dark)] {
                let found = contrast(what, ground);
                assert!(
                    found >= least,
                    "{} {what} on {ground} has {found:.2}, at least {least} is asked",
                    colour.class
                );
            }
        };
        WORDS.iter().for_each(|word| check(word, 4.5));
        Tone::ALL.map(Tone::colour).iter().for_each(|tone| check(tone, 3.0));
    }

    #[test]
    fn the_style_sheet_has_every_colour_for_light_and_for_dark() {
        let style = style();
        let (light, dark) = style.split_once("@media (prefers-color-scheme: dark){").unwrap();
        for colour in WORDS.iter().chain(BEHIND).chain(&Tone::ALL.map(Tone::colour)) {
            assert!(light.contains(&format!(".{}{{fill:{}}}", colour.class, colour.light)), "{light}");
            assert!(dark.contains(&format!(".{}{{fill:{}}}", colour.class, colour.dark)), "{dark}");
        }
        assert_eq!(style.matches('{').count(), style.matches('}').count());
    }

    #[test]
    fn a_drawing_names_no_other_file() {
        let text = Drawing::new("a").finish(10.0);
        assert_eq!(text.matches("://").count(), 1, "the name space alone: {text}");
        assert!(!text.contains("url(") && !text.contains("@import") && !text.contains("href"));
    }

    #[test]
    fn what_is_written_stays_text() {
        let hostile = "</text><script>\"a\" & 'b'\u{0}\u{1b}";
        let safe = "&lt;/text&gt;&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;\u{fffd}\u{fffd}";
        let mut drawing = Drawing::new(hostile);
        drawing.words((1.0, 2.0), Anchor::End, "ink", hostile);
        drawing.rectangle((0.0, 0.0), (1.0, 1.0), "ours", hostile);
        drawing.mark((0.0, 0.0), Mark::Square, "ours", hostile);
        let text = drawing.finish(10.0);
        assert_eq!(text.matches(safe).count(), 5, "{text}");
        assert!(!text.contains("<script>"), "{text}");
        assert!(text.contains(&format!("<text x=\"1\" y=\"2\" text-anchor=\"end\" class=\"ink\">{safe}</text>")));
        assert!(text.contains("</polygon>\n"), "{text}");
    }

    #[test]
    fn places_have_a_tenth_of_a_pixel() {
        assert_eq!([12.0, 12.345, -0.06, 100.0].map(pixels), ["12", "12.3", "-0.1", "100"]);
    }

    #[test]
    fn long_words_are_broken_at_spaces_and_none_is_lost() {
        let words = "make bench-peers ".repeat(20);
        let lines = lines_of(&words);
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= LETTERS_MAX));
        assert_eq!(lines.join(" "), words.trim_end());
        assert_eq!(lines_of(""), Vec::<String>::new());
    }
}
