// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Factory.sol";

/// @title Sweeps many forwarders in one transaction.
/// @notice It holds nothing and may do nothing that others may not, so it does not matter who calls it, and with what: a
/// forwarder sends to its own destination alone.
contract Sweeper {
    struct Job {
        address forwarder; // what factory.deploy(destination, salt) creates
        address destination;
        bytes32 salt;
        address[] assets; // address(0) is the chain's own coin
    }

    /// Fewer than atLeast forwarders were swept.
    error TooFew(uint256 swept);

    /// Deploys those forwarders that are not there yet and flushes each. One that fails does not fail the others, and an
    /// asset that fails does not fail the others of its forwarder. A sweep counts if no asset failed.
    /// @param atLeast is for estimates: without it, too little gas for the forwarders would look like success.
    function sweep(Factory factory, Job[] calldata jobs, uint256 atLeast) external returns (uint256 swept) {
        for (uint256 i = 0; i < jobs.length; i++) {
            if (one(factory, jobs[i])) swept++;
        }
        if (swept < atLeast) revert TooFew(swept);
    }

    /// What a token or a destination may burn: the others' gas must be left. Far above what honest ones take.
    uint256 private constant FOR_ONE = 400_000;
    uint256 private constant FOR_EACH_ASSET = 300_000;

    function one(Factory factory, Job calldata job) private returns (bool) {
        if (job.forwarder.code.length == 0) {
            try factory.deploy{gas: FOR_ONE}(job.destination, job.salt) returns (address made) {
                if (made != job.forwarder) return false;
            } catch {
                return false;
            }
        }
        if (flush(job.forwarder, job.assets, FOR_EACH_ASSET * job.assets.length)) return true;
        if (job.assets.length > 1) {
            for (uint256 i = 0; i < job.assets.length; i++) flush(job.forwarder, job.assets[i:i + 1], FOR_EACH_ASSET);
        }
        return false;
    }

    function flush(address forwarder, address[] calldata assets, uint256 most) private returns (bool) {
        try IForwarder(forwarder).flush{gas: most}(assets) {
            return true;
        } catch {
            return false;
        }
    }
}
