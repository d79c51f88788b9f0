//! The client: timeouts, redirects, and a wait for bytes that ends when nothing comes or somebody cancels.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::http::{HeaderMap, Uri, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
    TcpConnector, Transport, time,
};
use ureq::{Agent, Error};

use super::FetchOptions;
use super::partial::Origin;

const MAX_REDIRECTS: u32 = 5;
/// How often a wait looks up.
const TICK: Duration = Duration::from_millis(100);

/// A client for one mirror; once `cancelled` is true its requests fail.
pub(super) fn agent(url: &str, options: &FetchOptions, cancelled: &Arc<AtomicBool>) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .max_redirects_will_error(true)
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .max_idle_connections(0)
        .user_agent(concat!("nearplane-cifar/", env!("CARGO_PKG_VERSION")))
        // The archive is compressed already; what arrives has to be its very bytes.
        .accept_encoding("identity");
    let config = if is_local(url) {
        config.proxy(None)
    } else {
        config
    };
    let patience = Patience {
        idle: options.idle_timeout,
        cancelled: Arc::clone(cancelled),
    };
    let connector = ConnectProxyConnector::default()
        .chain(TcpConnector::default())
        .chain(patience)
        .chain(RustlsConnector::default());
    Agent::with_parts(config.build(), connector, DefaultResolver::default())
}

/// Whether an address is one of this machine, which no proxy can reach.
fn is_local(url: &str) -> bool {
    let uri = url.parse::<Uri>().ok();
    let host = uri.as_ref().and_then(Uri::host).unwrap_or_default();
    matches!(host, "localhost" | "[::1]") || host.starts_with("127.")
}

/// Wraps the connection below TLS, because the client bounds the time of a whole body only, and a body
/// may take an hour as long as it comes.
#[derive(Debug, Clone)]
struct Patience {
    idle: Duration,
    cancelled: Arc<AtomicBool>,
}

impl<In: Transport> Connector<In> for Patience {
    type Out = Patient<In>;

    fn connect(
        &self,
        _: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| Patient {
            inner,
            patience: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct Patient<T> {
    inner: T,
    patience: Patience,
}

impl<T: Transport> Transport for Patient<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let after = (*timeout.after).min(self.patience.idle);
        self.inner.transmit_output(amount, exactly(after, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let start = Instant::now();
        let limit = (*timeout.after).min(self.patience.idle);
        loop {
            if self.patience.cancelled.load(Ordering::Relaxed) {
                return Err(Error::Io(io::Error::other("cancelled")));
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                let message = format!("nothing came for {limit:?}");
                return Err(Error::Io(io::Error::new(io::ErrorKind::TimedOut, message)));
            }
            // A read that timed out has taken nothing from the connection.
            match self.inner.await_input(exactly(left.min(TICK), timeout)) {
                Err(Error::Timeout(_)) => {}
                outcome => return outcome,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

fn exactly(after: Duration, timeout: NextTimeout) -> NextTimeout {
    NextTimeout {
        after: time::Duration::Exact(after),
        ..timeout
    }
}

/// The first byte and the size of the whole in `bytes 5-9/10`; the size may be unknown.
pub(super) fn content_range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, total.trim().parse().ok()))
}

/// What an answer says about its file. A weak entity tag does not stand for the same bytes.
pub(super) fn origin(url: &str, headers: &HeaderMap, total: Option<u64>) -> Origin {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let tag = text(header::ETAG).filter(|tag| tag.starts_with('"'));
    let validator = tag.or_else(|| text(header::LAST_MODIFIED));
    Origin {
        url: url.to_owned(),
        validator: validator.map(str::to_owned),
        total,
    }
}
