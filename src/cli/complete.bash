
# What clap's function offers are commands and options. Where no option is begun, files belong there too: `vm` runs them.
_vm_or_files() {
    _vm "$@"
    local cur="$2" word
    local words=()
    [[ "$cur" == -* ]] && return 0
    for word in "${COMPREPLY[@]}"; do
        [[ "$word" == -* ]] || words+=("$word")
    done
    if [[ "$COMP_CWORD" -eq 1 ]]; then
        while IFS= read -r word; do
            words+=("$word")
        done < <(compgen -f -- "$cur")
        compopt -o filenames 2>/dev/null
    fi
    # With nothing to offer, bash offers files itself.
    COMPREPLY=("${words[@]}")
}

complete -F _vm_or_files -o bashdefault -o default vm
