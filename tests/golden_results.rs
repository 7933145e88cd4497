//! Functions in images of before give what they gave: each program in `tests/golden/results` stands beside the image that it
//! was once saved as, and ends with what its function gave then. Unlike the images in `tests/golden/images`, these hold code
//! of the library, which may be written another way since.

use std::fs;
use std::path::PathBuf;

use quipu::vm::Limits;
use quipu::vm::image::Image;
use quipu::{Engine, Input};

#[test]
fn functions_in_images_of_before_give_what_they_gave() {
    let mut files: Vec<PathBuf> = fs::read_dir("tests/golden/results").unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "qp"));
    assert!(files.len() >= 5, "the corpus is gone");
    let engine = Engine::new();
    for file in files {
        let (name, text) = (file.display(), fs::read_to_string(&file).unwrap());
        let wanted = text.lines().find_map(|line| line.strip_prefix("#> ")).unwrap();
        let image = Image::parse(fs::read(file.with_extension("qpi")).unwrap(), &()).unwrap();
        let mut session = engine.session(Limits::default()).unwrap();
        let stored = session.vm().load(&image).unwrap();
        assert_eq!(session.vm().hash(&stored).unwrap(), image.hash(), "{name}");
        // So does the program, made anew.
        let made = session.run(&Input::text(name.to_string(), &text)).unwrap();
        for function in [stored, made] {
            let given = session.vm().call(&function, &[]).unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!(session.vm().repr(&given).unwrap(), wanted, "{name}");
        }
    }
}
