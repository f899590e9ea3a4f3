//! One whole file from one cache, for eyes: bounded in bytes and time, otherwise as bare as a probe.

use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::CONTENT_LENGTH;

use super::{HttpProber, Io, alongside, broken, headers, request, sender};
use crate::domain::sighting::ProbeFailure;
use crate::domain::text::clean;
use crate::ports::prober::{FetchFailure, Probe};

/// Asks and reads at most `most` bytes of a body that came as it is.
pub(super) async fn fetch(
    prober: &HttpProber,
    probe: &Probe,
    most: usize,
) -> Result<Vec<u8>, FetchFailure> {
    let asked = async {
        let request = request(probe)?;
        let stream = prober.connect(probe).await?;
        read(stream, request, most).await
    };
    tokio::time::timeout(probe.timeout, asked).await.unwrap_or(Err(ProbeFailure::TimedOut.into()))
}

async fn read(
    stream: Box<dyn Io>,
    request: Request<Empty<Bytes>>,
    most: usize,
) -> Result<Vec<u8>, FetchFailure> {
    let (mut sender, connection) = sender(stream).await?;
    let asked = async {
        let response = sender.send_request(request).await.map_err(|why| broken(&why))?;
        let status = response.status().as_u16();
        if status != 200 {
            let said = response.headers().get("x-cld-error");
            let said =
                said.map(|said| clean(&String::from_utf8_lossy(said.as_bytes())).into_owned());
            return Err(FetchFailure::Status { status, said });
        }
        if !headers::is_identity(response.headers()) {
            return Err(FetchFailure::Encoded);
        }
        let length = response.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if length.is_some_and(|length| length > most as u64) {
            return Err(FetchFailure::TooLarge { most });
        }
        let (mut body, mut read) = (response.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|why| broken(&why))?;
            let Some(data) = frame.data_ref() else { continue };
            if read.len() + data.len() > most {
                return Err(FetchFailure::TooLarge { most });
            }
            read.extend_from_slice(data);
        }
        Ok(read)
    };
    alongside(connection, asked).await
}
