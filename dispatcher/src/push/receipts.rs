//! What vendors report later: kept in the ledger beside the attempt it is about, and the end of tokens they call dead.

use godwit_model::{Refusal, Refused};
use godwit_push::receipt::{Fate, Receipt, ReceiptError};
use godwit_push::{PushId, Report, VendorName};
use godwit_registry::{KeptPushToken, LedgerLine, RECEIPT};

use super::Desk;
use crate::Dispatcher;
use crate::failure::of_registry;
use crate::to_the_end::to_the_end;

/// Devices of one report; a vendor says at most a thousand of one push.
const RECEIPTS_MAX: usize = 5_000;
/// Lines of one transaction.
const CHUNK: usize = 200;

/// A receipt whose device was found.
struct Found {
    line: LedgerLine,
    receipt: Receipt,
    token: KeptPushToken,
    lane_name: String,
}

/// A vendor's report that proved where it comes from, and is not kept yet.
pub struct VendorReport {
    vendor: VendorName,
    report: Report,
}

impl VendorReport {
    /// Who reports.
    pub fn vendor(&self) -> &'static str {
        self.vendor.as_str()
    }
}

impl Dispatcher {
    /// Has a vendor's report about pushes prove where it comes from. `signature` is Huawei's header. `None` for one that was
    /// taken before. What this answers goes to [`Dispatcher::keep_vendor_report`] or [`Dispatcher::give_back_vendor_report`].
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`] for one that proves nothing, is too old, or is of a vendor that is not set to report,
    /// [`Refusal::Malformed`] for what is no report.
    pub fn prove_vendor_report(
        &self,
        vendor: &str,
        (signature, body): (Option<&str>, &[u8]),
    ) -> Result<Option<VendorReport>, Refused> {
        let none = || refused(ReceiptError::NotSet);
        let desk = self.push.desk().ok_or_else(none)?;
        let vendor: VendorName = vendor.parse().map_err(|_| none())?;
        match desk
            .channels
            .receipts
            .take(vendor, (signature, body), self.clock.now_ms())
        {
            Ok(report) if report.receipts.len() > RECEIPTS_MAX => Err(refused(ReceiptError::Unreadable)),
            Ok(report) => Ok(Some(VendorReport { vendor, report })),
            Err(ReceiptError::Repeated) => Ok(None),
            Err(error) => {
                metrics::counter!("push_receipts_refused_total", "vendor" => vendor.as_str()).increment(1);
                Err(refused(error))
            }
        }
    }

    /// A report is not kept now: its repeat is taken.
    pub fn give_back_vendor_report(&self, report: &VendorReport) {
        if let Some(desk) = self.push.desk() {
            desk.channels.receipts.give_back(&report.report);
        }
    }

    /// Keeps what a vendor reports. What was reported before, and devices that have another token now, change nothing.
    ///
    /// # Errors
    /// [`Refusal::Overloaded`] when it could not be kept: the vendor may send it again.
    pub async fn keep_vendor_report(&self, report: VendorReport) -> Result<(), Refused> {
        let dispatcher = self.clone();
        // A vendor that hangs up half-way does not send the rest again.
        to_the_end(async move {
            let Some(desk) = dispatcher.push.desk() else {
                return Ok(());
            };
            let kept = dispatcher.keep_report(desk, report.vendor, &report.report).await;
            if kept.is_err() {
                dispatcher.give_back_vendor_report(&report);
            }
            kept
        })
        .await
    }

    async fn keep_report(&self, desk: &Desk, vendor: VendorName, report: &Report) -> Result<(), Refused> {
        for chunk in report.receipts.chunks(CHUNK) {
            let mut found = Vec::with_capacity(chunk.len());
            for receipt in chunk {
                metrics::counter!(
                    "push_receipt_total", "vendor" => vendor.as_str(), "status" => receipt.fate.word()
                )
                .increment(1);
                found.extend(self.find(desk, report, receipt).await?);
            }
            let lines: Vec<LedgerLine> = found.iter().map(|found| found.line.clone()).collect();
            let sent = self.registry.write_push_receipts(&lines).await.map_err(of_registry)?;
            for (found, sent_at_ms) in found.iter().zip(sent) {
                self.after_receipt(desk, found, sent_at_ms).await?;
            }
        }
        Ok(())
    }

    /// Finds whom a receipt is about; nobody where the token is not the device's any more, or is another app's.
    async fn find(&self, desk: &Desk, report: &Report, receipt: &Receipt) -> Result<Option<Found>, Refused> {
        let vendor = receipt.vendor.as_str();
        let found = self.registry.device_of_push_token(vendor, &receipt.token).await;
        let Some((no, token)) = found.map_err(of_registry)? else {
            return Ok(None);
        };
        let Some(device) = self.registry.device_by_no(no).await.map_err(of_registry)? else {
            return Ok(None);
        };
        let package = token.push.details.package.clone();
        let app = package.unwrap_or_else(|| device.account.tenant.to_string());
        if !desk.channels.receipts.speaks_for(receipt.vendor, report, &app) {
            return Ok(None);
        }
        let push_id = receipt.push.as_deref().and_then(PushId::read);
        let line = LedgerLine {
            at_ms: self.clock.now_ms(),
            tenant: device.account.tenant,
            account: device.account.no,
            device: no,
            push_id: push_id.map(PushId::hyphenated).unwrap_or_default(),
            kind: RECEIPT.to_owned(),
            vendor: vendor.to_owned(),
            outcome: receipt.fate.word().to_owned(),
            code: cut(&receipt.code),
            vendor_id: receipt.vendor_id.as_deref().map(cut),
            ..LedgerLine::default()
        };
        Ok(Some(Found {
            line,
            receipt: receipt.clone(),
            token,
            lane_name: format!("{app} {vendor}"),
        }))
    }

    /// A token that the vendor calls dead ends, if it was told before the vendor saw that, or before the push it is about.
    async fn after_receipt(&self, desk: &Desk, found: &Found, sent_at_ms: Option<u64>) -> Result<(), Refused> {
        let now_ms = self.clock.now_ms();
        let is_invalid = found.receipt.fate == Fate::TokenInvalid;
        let may_retire = desk.breaker.note(&found.lane_name, is_invalid, now_ms);
        if !is_invalid {
            return Ok(());
        }
        if !may_retire {
            metrics::counter!("push_token_kept_total", "reason" => "mass_breaker").increment(1);
            tracing::error!(
                lane = found.lane_name,
                "too many tokens at once are reported dead: none is retired"
            );
            return Ok(());
        }
        let Some(before_ms) = found.receipt.at_ms.or(sent_at_ms) else {
            return Ok(());
        };
        let retired = self
            .registry
            .retire_push_token(found.line.device, &found.token, (before_ms.min(now_ms), "receipt"))
            .await;
        if retired.map_err(of_registry)? {
            metrics::counter!("push_token_removed_total", "reason" => "receipt").increment(1);
            tracing::info!(
                device = found.line.device.0,
                lane = found.lane_name,
                "a push token was retired by its vendor's report"
            );
        }
        Ok(())
    }
}

/// A stranger's text as the ledger keeps it.
fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(128).collect()
}

fn refused(error: ReceiptError) -> Refused {
    let refusal = match error {
        // A stranger does not learn which vendors are set.
        ReceiptError::NotSet | ReceiptError::Forged | ReceiptError::Stale => Refusal::Unauthenticated,
        ReceiptError::Unreadable | ReceiptError::Repeated => Refusal::Malformed,
    };
    Refused::new(refusal, error.to_string())
}
