# Read at the end of Redis' tests/support/test.tcl: tests that need a command which the server does not have are left out, and
# one that failed leaves no connection in which the next ones would fail too: with a transaction open, or replies unread.

# Redis' commands that the server lacks, in small letters.
proc lines_of {path} {
    set file [open $path]
    set lines [split [string trim [read $file]] "\n"]
    close $file
    return $lines
}
set ::commands_missing [lines_of $::env(COMPAT_COMMANDS_MISSING)]
# The settings that it has, and what it has under DEBUG.
set ::settings_known [lines_of $::env(COMPAT_SETTINGS)]
set ::debug_known {digest error sleep help}

# Whether a request sets a setting that is not here: how Redis encodes its values, for the most part.
proc is_foreign_setting {words} {
    lassign $words command subcommand name
    return [expr {[string tolower "$command $subcommand"] eq {config set} && [llength $words] == 4
        && $name ni $::settings_known}]
}

# The first of them that a test sends: behind `r` or behind a connection in a variable.
proc missing_command {code} {
    foreach {_ _ command} [regexp -all -inline -nocase {(\mr|\mR -?\d+|\$\w+|assert_error \S+ \{r)\s+([a-z_]+)\M} $code] {
        if {[string tolower $command] in $::commands_missing} { return [string tolower $command] }
    }
    # These procedures of the suite send one of the commands that wait.
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
    # The tests of tracking go on with what the connection was told before.
    if {$::num_failed > $failed} {
        if {[string match *tracking* $::curfile]} { catch {drain} } else { catch {reconnect} }
        # Nor has a pause to go on that the test did not come to end.
        catch {r client unpause}
    }
    return $result
}

# Reads what a test has left unread.
proc drain {} {
    set client [srv 0 client]
    $client deferred 1
    $client ping end-of-test
    while {![string match *end-of-test* [$client read]]} {}
    $client deferred 0
}

# A reply that does not come fails its test, not the unit: 10 s are more than any of them takes.
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
