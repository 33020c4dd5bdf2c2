# Installed as /usr/share/bash-completion/completions/mqtt-tls-monitor; the program itself knows how a line goes on.
_mqtt_tls_monitor_completion() {
    local IFS=$'\n'
    COMPREPLY=($(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \
        _MQTT_TLS_MONITOR_COMPLETE=complete_bash "$1"))
}

# Without an answer: names of files.
complete -o default -F _mqtt_tls_monitor_completion mqtt-tls-monitor
