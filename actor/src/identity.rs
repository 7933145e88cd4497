//! Who calls: keys, which belong to people or machines, and the ids of clients.

quipu_code::hashes! {
    /// A public key.
    pub struct Key;

    /// One client: the nonce that it has chosen, under the key that it has shown.
    pub struct ClientId;
}
