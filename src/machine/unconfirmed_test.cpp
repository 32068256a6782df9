#include "machine/unconfirmed.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace diatom::machine {
namespace {

Value network(const char* dns) {
    auto servers = Value::list(), names = Value::map(), network = Value::map();
    servers.add(Value::of(dns));
    names.set("servers", std::move(servers));
    network.set("dns", std::move(names));
    return network;
}

Value document(const Value& network) {
    auto document = Value::map();
    document.set("hostname", "web-1");
    if (!network.is_null()) document.set("network", network);
    return document;
}

TEST(Unconfirmed, GoesBackToWhatWasConfirmedLast) {
    const test::TempDir home;
    const Store store(home.path());
    const Unconfirmed unconfirmed(home.path());
    ASSERT_TRUE(store.write(document(network("192.0.2.1")), "first"));
    EXPECT_FALSE(*unconfirmed.take_back());
    ASSERT_TRUE(unconfirmed.begin(network("192.0.2.1")));
    ASSERT_TRUE(store.write(document(network("192.0.2.2")), "second"));
    ASSERT_TRUE(unconfirmed.begin(network("192.0.2.2")));  // the older one counts
    ASSERT_TRUE(store.write(document(network("192.0.2.3")), "third"));
    EXPECT_TRUE(*unconfirmed.take_back());
    EXPECT_EQ(*store.own(), document(network("192.0.2.1")));
    EXPECT_FALSE(unconfirmed.exists());
    EXPECT_EQ(store.history()->front().why, "take back a network that nobody confirmed");
}

TEST(Unconfirmed, WhereNothingWasSaidNothingIsSaidAgain) {
    const test::TempDir home;
    const Store store(home.path());
    const Unconfirmed unconfirmed(home.path());
    ASSERT_TRUE(unconfirmed.begin({}));
    ASSERT_TRUE(store.write(document(network("192.0.2.3")), "set"));
    EXPECT_TRUE(*unconfirmed.take_back());
    EXPECT_EQ(*store.own(), document({}));
}

TEST(Unconfirmed, WhatIsConfirmedStays) {
    const test::TempDir home;
    const Store store(home.path());
    const Unconfirmed unconfirmed(home.path());
    ASSERT_TRUE(unconfirmed.begin({}));
    ASSERT_TRUE(store.write(document(network("192.0.2.3")), "set"));
    ASSERT_TRUE(unconfirmed.confirm());
    EXPECT_FALSE(*unconfirmed.take_back());
    EXPECT_EQ(*store.own(), document(network("192.0.2.3")));
}

}  // namespace
}  // namespace diatom::machine
