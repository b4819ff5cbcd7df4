# bash completion for reevectl; names of pools and workers are asked of the daemon itself.

_reevectl_names() {
        reevectl "$1" -o name 2>/dev/null
}

_reevectl_verb() {
        local i
        for ((i = 1; i < COMP_CWORD; i++)); do
                case ${COMP_WORDS[i]} in
                -o | -H | --output | --host | --columns | --token-file) ((i++)) ;;
                -*) ;;
                *)
                        echo "${COMP_WORDS[i]}"
                        return
                        ;;
                esac
        done
}

_reevectl_options() {
        reevectl help "$1" 2>/dev/null | sed -n 's/^  .*\(--[a-z-]*\).*/\1/p'
}

_reevectl() {
        local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb words=""
        verb=$(_reevectl_verb)
        case $before in
        -o | --output) words="table wide json name dot" ;;
        --mode) words="threads processes auto manual" ;;
        --for) words="ready running stopped" ;;
        --format) words="supervisord systemd pm2 procfile" ;;
        --into) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
        -s | --signal) words=$(compgen -A signal | grep '^SIG') ;;
        -H | --host | --token-file) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
        *)
                if [[ $word == -* ]]; then
                        words=$(_reevectl_options "${verb:-status}")
                elif [[ -z $verb || $verb == help ]]; then
                        words=$(reevectl help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
                else
                        case $verb in
                        check) mapfile -t COMPREPLY < <(compgen -d -- "$word") && return ;;
                        import) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
                        ps | threads | stack | show | kill | status) words=$(_reevectl_names pools; _reevectl_names ps) ;;
                        version | reload | events | init | doctor) ;;
                        *) words=$(_reevectl_names pools) ;;
                        esac
                fi
                ;;
        esac
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _reevectl reevectl
