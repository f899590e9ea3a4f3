//! Refusals of the HTTP library, which never reach the service (no request line, too long, too many headers): said in
//! the cloud's own way.

/// Statuses that the library answers by itself, without a body.
const BARE: [(u16, &str); 3] = [
    (400, "Bad Request - not an HTTP request"),
    (414, "URI Too Long"),
    (431, "Request Header Fields Too Large"),
];

/// The answer in the cloud's JSON for a head that the library wrote by itself; `None` for any other answer: those of
/// the service name themselves (`x-request-id` and a type, or a cache's headers).
pub(super) fn in_json(head: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(head).ok()?;
    let code: u16 = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let (_, message) = BARE.into_iter().find(|(bare, _)| *bare == code)?;
    let head = head.strip_suffix("\r\n\r\n")?;
    let (status, headers) = head.split_once("\r\n").unwrap_or((head, ""));
    let mut date = None;
    for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" if value == "0" => {}
            "connection" => {}
            "date" => date = Some(value),
            _ => return None,
        }
    }
    let body = serde_json::json!({ "error": { "message": message } }).to_string();
    let date = date.map_or_else(String::new, |date| format!("date: {date}\r\n"));
    let length = body.len();
    Some(
        format!(
            "{status}\r\ncontent-type: application/json; charset=utf-8\r\nx-cld-error: {message}\r\n\
             connection: close\r\ncontent-length: {length}\r\n{date}\r\n{body}"
        )
        .into_bytes(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_library_says_by_itself_is_said_in_another_way() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let said = String::from_utf8(in_json(bare).unwrap()).unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["error"]["message"], "Request Header Fields Too Large");
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-cld-error: no\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 4",
        ] {
            assert_eq!(in_json(other.as_bytes()), None, "{other}");
        }
    }
}
