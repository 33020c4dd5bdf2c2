#compdef mqtt-tls-monitor
# Installed as /usr/share/zsh/vendor-completions/_mqtt-tls-monitor; the program itself knows how a line goes on. The
# first line is how zsh finds it.
eval "$(_TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _MQTT_TLS_MONITOR_COMPLETE=complete_zsh "$words[1]")"
