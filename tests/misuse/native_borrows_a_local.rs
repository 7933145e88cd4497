//! An engine may outlive everything else, so its natives own what they use. What is borrowed is lent in a scope.

use quipu::Engine;

fn build() -> bool {
    let names = vec!["ann".to_owned()];
    Engine::builder().native("count", || names.len()).build().is_ok()
}

fn main() {
    build();
}
