// Registries that answer, and misbehave, as a test says.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/strings.h"
#include "http/testing/fake_server.h"
#include "image/testing/image_builder.h"

namespace diatom::image::testing {

using http::testing::FakeRequest;
using http::testing::FakeResponse;
using FakeRegistry = http::testing::FakeServer;

// What a server that knows ranges answers ("bytes=FIRST-LAST", LAST may be left out).
inline FakeResponse serve_range(const std::string& bytes, const std::string& range) {
    if (!range.starts_with("bytes=")) return {.body = bytes};
    const auto ends = cut(std::string_view(range).substr(6), '-').value_or(Halves{});
    const auto first = parse_uint(ends.first).value_or(0);
    const auto last = std::min<std::uint64_t>(parse_uint(ends.second).value_or(bytes.size() - 1), bytes.size() - 1);
    if (first > last) return {.status = 416};
    return {.status = 206,
            .headers = {std::format("Content-Range: bytes {}-{}/{}", first, last, bytes.size())},
            .body = bytes.substr(first, last - first + 1)};
}

// A well-behaved answer for an image at any name and tag; Range is honoured.
inline FakeResponse serve_image(const TestImage& image, const FakeRequest& request) {
    if (request.target.contains("/manifests/")) {
        return {.headers = {"Content-Type: application/vnd.oci.image.manifest.v1+json"}, .body = image.manifest};
    }
    const auto slash = request.target.rfind('/');
    const auto blob = image.blobs.find(request.target.substr(slash + 1));
    if (blob == image.blobs.end())
        return {.status = 404, .body = R"({"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown"}]})"};
    return serve_range(blob->second, request.header("range"));
}

// A registry that takes what is pushed; mounting is by "from" alone, as if every repository had every blob.
struct PushTarget {
    std::mutex mutex;
    std::map<std::string, std::string> blobs, manifests;  // by digest; by target
    std::string upload;
    bool mounts = false;

    FakeResponse serve(const FakeRequest& request) {
        const std::lock_guard guard(mutex);
        const auto name = request.target.substr(request.target.rfind('/') + 1);
        if (request.target.contains("/manifests/")) {
            manifests[request.target] = request.body;
            return {.status = 201, .headers = {"Docker-Content-Digest: " + Digest::of(request.body).text()}};
        }
        if (request.method == "HEAD") return {.status = blobs.contains(name) ? 200 : 404};
        if (request.method == "POST" && mounts && request.target.contains("mount=")) return {.status = 201};
        if (request.method == "POST") {
            upload.clear();
            return {.status = 202, .headers = {"Location: /v2/upload?state=1"}};
        }
        upload += request.body;
        if (request.method == "PATCH") return {.status = 202, .headers = {"Location: /v2/upload?state=2"}};
        const auto digest = request.target.substr(request.target.find("digest=") + 7);
        if (Digest::of(upload).text() != digest)
            return {.status = 400, .body = R"({"errors":[{"code":"DIGEST_INVALID","message":"digest invalid"}]})"};
        blobs[digest] = upload;
        return {.status = 201};
    }
};

}  // namespace diatom::image::testing
