//! Bytes to rows. A CSV reader takes nearly anything for a CSV, so what it forgives is checked first: bytes that are no
//! text, quotes that are never closed, text after a closing quote, rows longer than the header. Each of them would shift
//! or swallow cells, and a price in the wrong row is worse than a refused file. Described in `spec/listing.md`.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use super::columns::{Column, Columns};
use super::error::{ImportError, Warning};
use super::limits::FILE_BYTES_MAX;

/// Separators that are tried, the usual one first.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

/// All of a file as text, without its byte order mark.
pub(super) fn read_text(reader: impl Read) -> Result<String, ImportError> {
    let mut bytes = Vec::new();
    reader.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).map_or(true, |len| len > FILE_BYTES_MAX) {
        return Err(ImportError::TooManyBytes);
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ImportError::NotText {
            actual: "UTF-16",
            byte: 0,
        });
    }
    if let Some(byte) = bytes.iter().position(|byte| *byte == 0) {
        return Err(ImportError::NotText {
            actual: "a zero byte",
            byte,
        });
    }
    let mut text = String::from_utf8(bytes).map_err(not_utf8)?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.trim().is_empty() {
        return Err(ImportError::Empty);
    }
    Ok(text)
}

fn not_utf8(error: std::string::FromUtf8Error) -> ImportError {
    let byte = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    let mut lines = Lines::default();
    ImportError::NotUtf8 {
        line: lines.at(bytes, byte),
        byte,
        actual: bytes.get(byte).copied().unwrap_or_default(),
    }
}

/// Counts lines up to places that only move forward. A carriage return alone ends a line too.
#[derive(Default)]
struct Lines {
    byte: usize,
    ends: u64,
}

impl Lines {
    fn at(&mut self, bytes: &[u8], byte: usize) -> u64 {
        while self.byte < byte {
            let next = bytes.get(self.byte + 1);
            match bytes.get(self.byte) {
                Some(b'\n') => self.ends += 1,
                Some(b'\r') if next != Some(&b'\n') => self.ends += 1,
                _ => {}
            }
            self.byte += 1;
        }
        self.ends + 1
    }
}

/// The rows of a file.
pub(super) struct Sheet<'a> {
    text: &'a str,
    /// What the header names.
    pub(super) columns: Columns,
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    lines: Lines,
}

impl<'a> Sheet<'a> {
    /// Checks the form of a file and reads its header.
    pub(super) fn open(text: &'a str, warnings: &mut Vec<Warning>) -> Result<Self, ImportError> {
        let separator = separator_of(text)?;
        if separator != ',' {
            warnings.push(Warning::Separator { actual: separator });
        }
        check_quotes(text, separator)?;
        let mut reader = reader_of(text, separator);
        let mut record = StringRecord::new();
        reader.read_record(&mut record).map_err(not_csv)?;
        let columns = Columns::read(record.iter(), warnings);
        columns.check()?;
        Ok(Self {
            text,
            columns,
            reader,
            record,
            lines: Lines::default(),
        })
    }

    /// The next row that has anything in it.
    pub(super) fn next_row(&mut self) -> Result<Option<Row<'_>>, ImportError> {
        loop {
            if !self.reader.read_record(&mut self.record).map_err(not_csv)? {
                return Ok(None);
            }
            if self.record.iter().any(|cell| !cell.trim().is_empty()) {
                break;
            }
        }
        let line = self.line();
        let blank = |(_, cell): &(usize, &str)| cell.trim().is_empty();
        let filled = self
            .record
            .iter()
            .enumerate()
            .filter(|cell| !blank(cell))
            .last()
            .map_or(0, |(last, _)| last + 1);
        if filled > self.columns.len() {
            return Err(ImportError::TooManyCells {
                line,
                expected: self.columns.len(),
                actual: filled,
            });
        }
        Ok(Some(Row {
            line,
            columns: &self.columns,
            cells: &self.record,
        }))
    }

    /// How many bytes of the text have been read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The line on which the record at hand begins; empty lines before it are the reader's, not the record's.
    fn line(&mut self) -> u64 {
        let bytes = self.text.as_bytes();
        let start = self.record.position().map_or(0, |position| position.byte());
        let start = usize::try_from(start).unwrap_or(bytes.len());
        let blank = bytes
            .iter()
            .skip(start)
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        self.lines.at(bytes, start + blank)
    }
}

fn reader_of(text: &str, separator: char) -> csv::Reader<&[u8]> {
    let delimiter = u8::try_from(separator).unwrap_or(b',');
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes())
}

fn not_csv(error: csv::Error) -> ImportError {
    ImportError::NotCsv(error.to_string())
}

/// The separator under which the first line names the most known columns.
fn separator_of(text: &str) -> Result<char, ImportError> {
    let mut best = (',', 0);
    for separator in SEPARATORS {
        let mut header = StringRecord::new();
        reader_of(text, separator)
            .read_record(&mut header)
            .map_err(not_csv)?;
        let known = Columns::read(header.iter(), &mut Vec::new()).known();
        if known > best.1 {
            best = (separator, known);
        }
    }
    Ok(best.0)
}

/// Where in a cell a byte stands.
enum Place {
    Start,
    Plain,
    Quoted,
    AfterQuote,
    Closed,
}

/// Checks that every quoted cell is closed, and by a quote that a separator or a line end follows.
fn check_quotes(text: &str, separator: char) -> Result<(), ImportError> {
    let bytes = text.as_bytes();
    let delimiter = u8::try_from(separator).unwrap_or(b',');
    let line_of = |byte| Lines::default().at(bytes, byte);
    let mut place = Place::Start;
    let mut opened = 0;
    for (at, byte) in bytes.iter().copied().enumerate() {
        let ends = byte == delimiter || matches!(byte, b'\r' | b'\n');
        place = match place {
            Place::Quoted if byte == b'"' => Place::AfterQuote,
            Place::Quoted => Place::Quoted,
            // Two quotes within a quoted cell are one of its characters.
            Place::AfterQuote if byte == b'"' => Place::Quoted,
            _ if ends => Place::Start,
            Place::AfterQuote | Place::Closed if byte.is_ascii_whitespace() => Place::Closed,
            Place::AfterQuote | Place::Closed => {
                let actual = text
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .unwrap_or(char::REPLACEMENT_CHARACTER);
                let line = line_of(at);
                return Err(ImportError::TextAfterQuote { line, actual });
            }
            Place::Start if byte == b'"' => {
                opened = at;
                Place::Quoted
            }
            Place::Start | Place::Plain => Place::Plain,
        };
    }
    match place {
        Place::Quoted => Err(ImportError::UnclosedQuote {
            line: line_of(opened),
        }),
        _ => Ok(()),
    }
}

/// One row: its line in the file and its cells by their meaning.
pub(super) struct Row<'a> {
    /// Line on which the row begins.
    pub(super) line: u64,
    columns: &'a Columns,
    cells: &'a StringRecord,
}

impl<'a> Row<'a> {
    /// A cell without spaces around it; empty if it is blank or the file does not have the column.
    pub(super) fn cell(&self, column: Column) -> &'a str {
        self.columns
            .place(column)
            .and_then(|place| self.cells.get(place))
            .unwrap_or("")
            .trim()
    }

    /// The name of a column as the file writes it.
    pub(super) fn name(&self, column: Column) -> String {
        self.columns.name(column).to_owned()
    }
}
