//! Files that are no pictures: headers that `file` recognises, then repeatable filling.

use super::format::Format;
use crate::local_cloud::chance::mix;

/// `length` bytes that begin as files of `format` do.
pub fn bytes(format: Format, mark: u64, length: u32) -> Vec<u8> {
    let length = length as usize;
    let mut bytes = Vec::with_capacity(length + 64);
    match format {
        Format::Txt | Format::Csv | Format::Json => text(format, mark, length, &mut bytes),
        _ => {
            bytes.extend_from_slice(head(format));
            filling(mark, length, &mut bytes);
        }
    }
    bytes.truncate(length);
    bytes
}

fn head(format: Format) -> &'static [u8] {
    match format {
        Format::Pdf => b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        Format::Mp4 => b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08free\0\0\0\0mdat",
        Format::Mov => b"\0\0\0\x14ftypqt  \0\0\0\0qt  \0\0\0\0mdat",
        Format::Webm => b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01",
        Format::Mp3 => b"ID3\x04\0\0\0\0\0\0\xff\xfb\x90\0",
        Format::Wav => b"RIFF\0\0\0\0WAVEfmt ",
        Format::Zip => b"PK\x03\x04\x14\0\0\0\0\0",
        _ => b"",
    }
}

fn filling(mark: u64, length: usize, bytes: &mut Vec<u8>) {
    let mut word = mix(mark);
    while bytes.len() < length {
        bytes.extend_from_slice(&word.to_le_bytes());
        word = mix(word);
    }
}

fn text(format: Format, mark: u64, length: usize, bytes: &mut Vec<u8>) {
    let mut word = mix(mark);
    if format == Format::Csv {
        bytes.extend_from_slice(b"article,stock,price\n");
    }
    while bytes.len() < length {
        let line = match format {
            Format::Csv => format!("A-{:05},{},{}.90\n", word % 99_999, word >> 56, word >> 57),
            Format::Json => format!("{{\"article\":{},\"stock\":{}}}\n", word % 99_999, word >> 56),
            _ => format!("Article {:05}: {} pieces in stock.\n", word % 99_999, word >> 56),
        };
        bytes.extend_from_slice(line.as_bytes());
        word = mix(word);
    }
}
