# Appended to Redis' tests/support/test.tcl. It skips tests that need a command which the server does not have. After a failed
# test it resets connections with an open transaction or unread replies, on which later tests would fail too.

# The lines of a file.
proc lines_of {path} {
    set file [open $path]
    set lines [split [string trim [read $file]] "\n"]
    close $file
    return $lines
}
# Redis' commands that the server lacks, in lower case.
set ::commands_missing [lines_of $::env(COMPAT_COMMANDS_MISSING)]
# The settings of the server, and its subcommands of DEBUG.
set ::settings_known [lines_of $::env(COMPAT_SETTINGS)]
set ::debug_known {digest error sleep help}

# Whether a request changes a setting that the server does not have; most of these determine how Redis encodes values.
proc is_foreign_setting {words} {
    lassign $words command subcommand name
    return [expr {[string tolower "$command $subcommand"] eq {config set} && [llength $words] == 4
        && $name ni $::settings_known}]
}

# The first command or subcommand of DEBUG that a test sends and the server lacks; empty if there is none. Commands are sent
# with `r`, `R` or on a connection in a variable.
proc missing_command {code} {
    foreach {_ _ command} [regexp -all -inline -nocase {(\mr|\mR -?\d+|\$\w+|assert_error \S+ \{r)\s+([a-z_]+)\M} $code] {
        if {[string tolower $command] in $::commands_missing} { return [string tolower $command] }
    }
    # These procedures of the suite send a blocking command.
    if {{blpop} in $::commands_missing && [regexp {\m(bpop_command\w*|wait_for_blocked_client)\M} $code]} { return blpop }
    foreach {_ name} [regexp -all -inline -nocase {\mdebug\s+([a-z][a-z-]+)} $code] {
        if {[string tolower $name] ni $::debug_known} { return "debug $name" }
    }
    return {}
}

rename test test_of_redis
proc test {name code {okpattern undefined} {tags {}}} {
    set command [missing_command $code]
    if {$command ne {}} {
        send_data_packet $::test_server_fd ignore "$name: needs [string toupper $command]"
        return
    }
    set failed $::num_failed
    set result [uplevel 1 [list test_of_redis $name $code $okpattern $tags]]
    # The tests of tracking continue with the state that earlier tests left in the connection.
    if {$::num_failed > $failed} {
        if {[string match *tracking* $::curfile]} { catch {drain} } else { catch {reconnect} }
        # Ends a pause that the failed test did not end.
        catch {r client unpause}
    }
    return $result
}

# Reads the replies that a test has left unread.
proc drain {} {
    set client [srv 0 client]
    $client deferred 1
    $client ping end-of-test
    while {![string match *end-of-test* [$client read]]} {}
    $client deferred 0
}

# Limits the wait for a reply, so that a missing one fails only its test and not the whole unit. No reply takes as long as 10 s.
rename ::redis::redis_read_reply ::redis::read_reply_of_redis
proc ::redis::redis_read_reply {id fd} {
    if {$::redis::blocking($id) && [chan pending input $fd] == 0 && ![readable_soon $fd]} {
        return -code error "no reply within 10 s"
    }
    ::redis::read_reply_of_redis $id $fd
}
proc readable_soon {fd} {
    set ::readable_$fd 2
    set timer [after 10000 [list set ::readable_$fd 0]]
    fileevent $fd readable [list set ::readable_$fd 1]
    vwait ::readable_$fd
    after cancel $timer
    fileevent $fd readable {}
    return [set ::readable_$fd]
}
