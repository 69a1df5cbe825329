//! The one door of this crate. Signatures first; the rooms behind it follow.

use std::sync::Arc;

use godwit_model::{AccountNo, Clock, DeviceNo, GroupId, GroupNo, Role, TenantNo, UserId};
use godwit_store::Store;

use crate::{
    AccessToken, Account, App, Change, Device, Error, Group, NewApp, NewGroup, Proof, PushToken, Registered,
    Registration, Scope, Settings, Ticket,
};

/// Who exists, who may, and who is where: a cheap handle.
#[derive(Clone)]
pub struct Registry;

#[expect(unused_variables, clippy::todo, clippy::unused_async, reason = "signatures first")]
impl Registry {
    /// Opens the registry on a store. Every key it uses is derived from `master_key`.
    pub async fn open(
        store: Store,
        clock: Arc<dyn Clock>,
        master_key: &[u8; 32],
        settings: Settings,
    ) -> Result<Self, Error> {
        todo!()
    }
    /// Whether the store answers.
    pub async fn ready(&self) -> Result<(), Error> {
        todo!()
    }
    /// Makes tenant 1 and its app with every scope if the store has no app yet. The secret is shown this once.
    pub async fn first_app(&self) -> Result<Option<NewApp>, Error> {
        todo!()
    }
    /// Makes a tenant.
    pub async fn create_tenant(&self, name: &str) -> Result<TenantNo, Error> {
        todo!()
    }
    /// Makes an app. The secret is shown this once.
    pub async fn create_app(&self, tenant: TenantNo, name: &str, scopes: &[Scope]) -> Result<NewApp, Error> {
        todo!()
    }
    /// Gives an app another secret; the former one and every access token made with it stop at once.
    pub async fn reset_app_secret(&self, client_id: &str) -> Result<NewApp, Error> {
        todo!()
    }
    /// Checks an app's secret and gives out a token. `scope` narrows what the token allows (names with spaces between).
    pub async fn issue_access_token(
        &self,
        client_id: &str,
        client_secret: &str,
        scope: Option<&str>,
    ) -> Result<AccessToken, Error> {
        todo!()
    }
    /// The app that shows this access token.
    pub async fn authenticate_app(&self, access_token: &str) -> Result<Arc<App>, Error> {
        todo!()
    }
    /// Gives out a ticket for a user, whose account is made if it is new.
    pub async fn issue_ticket(
        &self,
        app: &App,
        user: &UserId,
        unique_code: Option<&str>,
        ttl_s: Option<u64>,
    ) -> Result<Ticket, Error> {
        todo!()
    }
    /// Registers a device, or registers it again.
    pub async fn register_device(&self, registration: Registration, proof: Proof) -> Result<Registered, Error> {
        todo!()
    }
    /// The device that shows this token, if it belongs to `account` and, where given, is called `device_id`.
    pub async fn authenticate_device(
        &self,
        account: &str,
        device_token: &str,
        device_id: Option<&str>,
    ) -> Result<Arc<Device>, Error> {
        todo!()
    }
    /// The device that shows this token.
    pub async fn authenticate_device_token(&self, device_token: &str) -> Result<Arc<Device>, Error> {
        todo!()
    }
    /// The live device with this id.
    pub async fn device(&self, tenant: TenantNo, device_id: &str) -> Result<Option<Arc<Device>>, Error> {
        todo!()
    }
    /// The live devices of an account, oldest first.
    pub async fn devices_of(&self, account: AccountNo) -> Result<Vec<Arc<Device>>, Error> {
        todo!()
    }
    /// Ends a device: its tokens stop at once. Retiring it again changes nothing.
    pub async fn retire_device(&self, device: DeviceNo) -> Result<(), Error> {
        todo!()
    }
    /// Stores where the vendor reaches the device; the token is removed from any other device.
    pub async fn set_push_token(&self, device: DeviceNo, push: PushToken) -> Result<(), Error> {
        todo!()
    }
    /// Forgets where the vendor reaches the device.
    pub async fn remove_push_token(&self, device: DeviceNo) -> Result<(), Error> {
        todo!()
    }
    /// Turns push on or off for the device.
    pub async fn set_push_enabled(&self, device: DeviceNo, enabled: bool) -> Result<(), Error> {
        todo!()
    }
    /// The account of a user.
    pub async fn account_of_user(&self, tenant: TenantNo, user: &UserId) -> Result<Option<Arc<Account>>, Error> {
        todo!()
    }
    /// The account with this opaque id.
    pub async fn account_by_id(&self, account_id: &str) -> Result<Option<Arc<Account>>, Error> {
        todo!()
    }
    /// Every account of a tenant, sorted.
    pub async fn accounts_of_tenant(&self, tenant: TenantNo) -> Result<Vec<AccountNo>, Error> {
        todo!()
    }
    /// The group with this id.
    pub async fn group(&self, tenant: TenantNo, id: &GroupId) -> Result<Option<Arc<Group>>, Error> {
        todo!()
    }
    /// The group with this number.
    pub async fn group_by_no(&self, no: GroupNo) -> Result<Option<Arc<Group>>, Error> {
        todo!()
    }
    /// Makes a group.
    pub async fn create_group(&self, tenant: TenantNo, group: NewGroup) -> Result<Arc<Group>, Error> {
        todo!()
    }
    /// Adds members; who is one already is left as it is.
    pub async fn add_members(&self, group: &Group, users: &[UserId]) -> Result<Change, Error> {
        todo!()
    }
    /// Removes members; who is none is passed over.
    pub async fn remove_members(&self, group: &Group, users: &[UserId]) -> Result<Change, Error> {
        todo!()
    }
    /// Gives a member another role. Giving `Owner` moves it: the former owner becomes an admin.
    pub async fn change_role(&self, group: &Group, user: &UserId, role: Role) -> Result<Change, Error> {
        todo!()
    }
    /// Ends a group; its id is free again, its number never is.
    pub async fn dissolve_group(&self, group: &Group) -> Result<(), Error> {
        todo!()
    }
    /// Keeps the `conv_seq` of the system message that told of a join or a leave.
    pub async fn note_membership_seq(
        &self,
        group: GroupNo,
        accounts: &[AccountNo],
        conv_seq: u64,
        joined: bool,
    ) -> Result<(), Error> {
        todo!()
    }
    /// The groups an account is a member of, oldest first.
    pub async fn groups_of(&self, account: AccountNo) -> Result<Vec<Arc<Group>>, Error> {
        todo!()
    }
}
