# Installed as /usr/share/fish/vendor_completions.d/mqtt-tls-monitor.fish; the program itself knows how a line goes on.
function __mqtt_tls_monitor_completion
    _TYPER_COMPLETE_ARGS=(commandline --cut-at-cursor --current-process | string collect) \
        _TYPER_COMPLETE_FISH_ACTION=get-args _MQTT_TLS_MONITOR_COMPLETE=complete_fish mqtt-tls-monitor
end

# Without an answer: names of files.
complete --command mqtt-tls-monitor --no-files --condition 'test -n "$(__mqtt_tls_monitor_completion)"' \
    --arguments '(__mqtt_tls_monitor_completion)'
