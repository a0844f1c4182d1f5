//! Facts that hold for both fronts: each is a function of the front, and `over!` makes a test of every one.

pub mod answers;
pub mod bodies;
pub mod counting;
pub mod ending;
pub mod feeds;
pub mod pauses;
pub mod refusals;
pub mod room;
pub mod waiting;
pub mod work;

/// A test for each fact over the front that `$side` names.
macro_rules! over {
    ($side:expr) => {
        $crate::common::over! { $side;
            answers:
                a_request_is_answered_and_the_connection_kept,
                sixty_four_connections_at_once_and_256_after_are_all_answered,
                pipelined_requests_are_answered_in_order,
                large_replies_arrive_whole_and_keep_the_connection,
                a_stream_is_chunked_on_http_11_and_ends_with_the_connection_on_http_10,
                head_is_answered_with_the_length_and_without_the_body,
                http_10_and_connection_close_end_the_connection_after_the_reply,
                targets_reach_the_handler_as_sent_raw_utf_8_included;
            bodies:
                bodies_of_every_size_and_framing_arrive_whole,
                a_body_is_taken_part_by_part_in_every_size_and_framing,
                a_body_is_asked_for_with_100_continue_only_when_it_is_wanted,
                a_body_is_gathered_up_to_the_limit_and_not_beyond,
                an_intake_that_breaks_off_is_not_given_the_rest,
                after_a_body_that_nobody_read_the_connection_is_closed,
                a_stream_arrives_whole_although_the_body_was_not_read,
                a_short_body_that_nobody_read_is_read_past_and_the_connection_kept,
                a_trickling_body_ends_by_the_read_timeout,
                a_body_that_will_never_be_whole_is_told_with_its_reason;
            counting:
                each_request_is_counted_once_by_its_method_and_status,
                what_the_front_refuses_is_counted_without_a_method,
                a_stream_is_counted_when_it_has_ended,
                waiting_is_part_of_what_a_request_takes,
                bytes_are_counted_both_ways;
            refusals:
                ambiguous_framing_is_refused_and_nothing_of_the_body_runs,
                an_announced_length_beyond_all_memory_costs_nothing,
                what_is_no_http_is_refused,
                heads_beyond_their_limits_are_414_and_431,
                a_refused_head_gets_no_body,
                at_the_cap_a_new_connection_is_told_503_and_closed;
            waiting:
                a_reply_that_comes_later_waits_for_its_thread_and_for_what_it_rests_on,
                a_reply_that_was_lost_is_503_outcome_unknown,
                a_reply_waits_until_what_it_rests_on_is_released,
                a_reply_that_cannot_become_durable_or_not_in_time_is_503_outcome_unknown,
                a_part_of_a_stream_leaves_only_when_what_it_shows_is_released,
                a_stream_of_which_a_part_can_never_leave_is_broken_off;
            room:
                whoever_waits_for_a_release_has_it_hurried,
                a_write_that_finds_no_room_is_asked_again_when_there_is_some,
                requests_behind_one_that_waits_for_room_run_after_it,
                no_room_within_write_timeout_is_503_journal_busy_and_nothing_has_run;
            pauses:
                a_body_is_taken_whole_however_often_its_intake_pauses,
                an_intake_that_finds_no_room_is_called_again_when_there_is_some,
                an_intake_that_finds_no_room_within_write_timeout_is_given_up;
            feeds:
                a_stream_that_waits_goes_on_when_it_is_woken,
                a_stream_that_waits_is_pulled_when_its_time_has_come,
                a_stream_that_waits_is_cut_by_no_timeout,
                a_stream_that_waits_ends_when_the_server_stops;
            work:
                work_is_done_in_steps_and_answered_in_its_place,
                others_are_served_beside_work,
                work_that_finds_no_room_goes_on_when_there_is_some,
                work_that_finds_no_room_within_write_timeout_is_given_up,
                work_in_progress_is_finished_by_a_drain;
            ending:
                drain_answers_every_request_that_began_and_closes_behind_it,
                connections_in_the_backlog_are_told_that_the_server_drains,
                connections_wait_until_they_are_served,
                a_panic_of_the_handler_aborts_the_process;
        }
    };
    ($side:expr; $($file:ident: $($fact:ident),+;)+) => {
        $($(
            #[test]
            fn $fact() {
                $crate::common::$file::$fact($side);
            }
        )+)+
    };
}

pub(crate) use over;
