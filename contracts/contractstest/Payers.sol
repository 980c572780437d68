// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

interface IERC20 {
    function transfer(address to, uint256 value) external returns (bool);
}

/// Pays from inside a contract, in the ways that have fooled gateways. It pays tokens out of its own balance.
contract Payer {
    event Transfer(address indexed from, address indexed to, uint256 value);

    error OnPurpose();

    receive() external payable {}

    /// One token transfer among forged ones: the logs before and after it are this contract's own.
    function forge(IERC20 token, address to, uint256 value, uint256 forgeries) external {
        for (uint256 i = 0; i < forgeries; i++) {
            if (i == forgeries / 2) token.transfer(to, value);
            emit Transfer(msg.sender, to, value);
        }
    }

    /// Pays value to each address, times over, in one transaction.
    function batch(IERC20 token, address[] calldata to, uint256 value, uint256 times) external {
        for (uint256 t = 0; t < times; t++) {
            for (uint256 i = 0; i < to.length; i++) token.transfer(to[i], value);
        }
    }

    /// Sends coin from inside a call: no log, and the transaction's own value goes elsewhere.
    function coin(address payable[] calldata to, uint256 value) external payable {
        for (uint256 i = 0; i < to.length; i++) {
            (bool ok, ) = to[i].call{value: value}("");
            require(ok);
        }
    }

    /// Pays, then takes it all back by failing.
    function fail(IERC20 token, address to, uint256 value) external {
        token.transfer(to, value);
        revert OnPurpose();
    }
}

/// Takes neither coin nor calls: a treasury that cannot hold the chain's coin.
contract Refuser {}
