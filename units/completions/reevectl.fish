# fish completion for reevectl; names of pools and workers are asked of the daemon itself.

function __reevectl_verbs
    reevectl help 2>/dev/null | string replace -rf '^  ([a-z][a-z-]*)  +(.*)' '$1\t$2'
end

function __reevectl_has_verb
    for word in (commandline -opc)[2..]
        string match -qr '^[a-z]' -- $word; and return 0
    end
    return 1
end

complete -c reevectl -f
complete -c reevectl -n 'not __reevectl_has_verb' -a '(__reevectl_verbs)'
complete -c reevectl -n '__fish_seen_subcommand_from help' -a '(__reevectl_verbs)'
complete -c reevectl -n '__fish_seen_subcommand_from status ps show kill pools scale start stop restart reset-failed logs wait graph' -a '(reevectl pools -o name 2>/dev/null)'
complete -c reevectl -n '__fish_seen_subcommand_from status ps show kill' -a '(reevectl ps -o name 2>/dev/null)'
complete -c reevectl -n '__fish_seen_subcommand_from check' -a '(__fish_complete_directories)'
complete -c reevectl -s o -l output -x -a 'table wide json name dot' -d 'output format'
complete -c reevectl -s H -l host -r -d 'socket or URL of the API'
complete -c reevectl -l mode -x -a 'threads processes auto manual'
complete -c reevectl -l for -x -a 'ready running stopped'
complete -c reevectl -s s -l signal -x -a '(kill -l | string split " ")'
complete -c reevectl -s f -l follow -d 'go on with what comes'
complete -c reevectl -l all -d 'all pools'
complete -c reevectl -l dry-run -d 'show what would be done'
complete -c reevectl -l no-wait -d 'return once the change is accepted'
