# fish completion for reevectl; verbs and options are asked of reevectl, names of pools and workers
# of the daemon itself.

function __reevectl_verbs
    reevectl help 2>/dev/null | string replace -rf '^  ([a-z][a-z-]*)  +(.*)' '$1\t$2'
end

# The first word that is no option and no value of one.
function __reevectl_verb
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
        else if contains -- $word -o -H --output --host --columns --token-file
            set skip yes
        else if not string match -q -- '-*' $word
            echo $word
            return 0
        end
    end
    return 1
end

function __reevectl_verb_is
    contains -- (__reevectl_verb) $argv
end

function __reevectl_options
    set -l verb (__reevectl_verb); or set verb status
    reevectl help $verb 2>/dev/null |
        string replace -rf '^  (?:-\w, |    )(--[a-z-]+)\S* +(.*)' '$1\t$2'
end

function __reevectl_wants_option
    string match -q -- '-*' (commandline -ct)
end

complete -c reevectl -f
complete -c reevectl -n 'not __reevectl_verb >/dev/null' -a '(__reevectl_verbs)'
complete -c reevectl -n '__reevectl_verb_is help' -a '(__reevectl_verbs)'
complete -c reevectl -n '__reevectl_wants_option' -a '(__reevectl_options)'
complete -c reevectl -n '__reevectl_verb_is status ps threads stack show kill pools scale start stop restart reload rollback reset-failed logs wait graph' -a '(reevectl pools -o name 2>/dev/null)'
complete -c reevectl -n '__reevectl_verb_is status ps threads stack show kill' -a '(reevectl ps -o name 2>/dev/null)'
complete -c reevectl -n '__reevectl_verb_is check' -a '(__fish_complete_directories)'
complete -c reevectl -n '__reevectl_verb_is import' -F

# What options take. Without a description here: that of the help is shown.
complete -c reevectl -s o -l output -x -a 'table wide json name dot'
complete -c reevectl -s H -l host -r -F
complete -c reevectl -l token-file -r -F
complete -c reevectl -l mode -x -a 'threads processes auto manual'
complete -c reevectl -l for -x -a 'ready running stopped'
complete -c reevectl -l format -x -a 'supervisord systemd pm2 procfile'
complete -c reevectl -l into -x -a '(__fish_complete_directories)'
complete -c reevectl -s s -l signal -x -a '(kill -l | string split " ")'
